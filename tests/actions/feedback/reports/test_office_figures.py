"""Form 06a, the 766 index and the nine indices, worked out by hand; identities for whatever dossiers there are."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from actions.dossiers.dossier import State, Supplement
from actions.dossiers.registry import Entry, Registry
from actions.feedback.instruments import SERVICE, load
from actions.feedback.petitions import Change, Kind, Petition
from actions.feedback.petitions import State as P
from actions.feedback.reports.dossier_figures import Case, Request, cases
from actions.feedback.reports.form_06a import ENDED_FIRST, NO_DATES, NO_END, NOT_RECEIVED, RECEIVED_LATER, form_06a
from actions.feedback.reports.index_766 import handling_766, is_late, petitions_766, points_54
from actions.feedback.reports.methods import METHODS
from actions.feedback.reports.nine_indices import OfficeFiguresError, nine_indices, office_figures
from actions.feedback.reports.on_time import OnTime, on_time_766
from actions.feedback.reports.periods import parse
from actions.feedback.reports.satisfaction import Satisfaction
from actions.feedback.responses import Response
from knowledge.settings import ROOT
from tests.actions.dossiers.conftest import KEY

NOVEMBER = parse("2026-11")
TODAY = dt.date(2026, 12, 5)
INSTRUMENT = load()[SERVICE]


def on(day: int | None, month: int = 11) -> dt.date | None:
    return None if day is None else dt.date(2026, month, day)


def case(  # noqa: PLR0917 (a dossier in one line)
    received: int | None, due: int | None, ended: int | None, state: State = State.RETURNED, channel: str = "online",
    field: str = "Hộ tịch", requests: tuple[Request, ...] = (), received_in: int = 11,
) -> Case:  # fmt: skip
    return Case(state, field, channel, on(received, received_in), on(due), on(ended), on(ended), requests)


# -- form 06a -----------------------------------------------------------------------------------

OPEN = State.PROCESSING
WORKED = [
    case(2, 10, 9),  # online, early
    case(2, 10, 10),  # online, on its day: on time
    case(3, 10, 11, channel="in_person"),  # late
    case(4, None, 20, channel="post"),  # no date of return: on time
    case(5, 6, 9, state=State.WITHDRAWN),  # withdrawn by the citizen: on time, though after its date
    case(20, 5, 3, received_in=10, channel="in_person"),  # from October, early
    case(28, None, None, OPEN, received_in=10),  # from October, open, no date: in time
    case(20, 25, None, OPEN),  # open and past its date: late
    case(20, 25, None, State.SUPPLEMENT),  # waits for the citizen: in time
    case(26, 30, None, OPEN, channel="in_person", field="Đất đai"),  # due on the last day: in time
]


def test_form_06a_by_hand() -> None:
    form = form_06a(WORKED, NOVEMBER, TODAY)
    all_ = form.total
    # Online: 2, 2, 5, 20, 20 November; in person or by post: 3, 4, 26 November; two from October.
    assert (all_.online, all_.offline, all_.carried, all_.received) == (5, 3, 2, 10)
    assert (all_.early, all_.on_time, all_.late, all_.solved) == (2, 3, 1, 6)
    assert (all_.pending_in_time, all_.pending_late, all_.pending) == (3, 1, 4)
    assert all_.gap == 0
    assert all_.on_time_rate == pytest.approx(5 / 6)  # (2 + 3) / 6
    assert all_.late_rate == pytest.approx(1 / 6)
    assert all_.completion == pytest.approx(6 / 10)
    assert all_.online_rate == pytest.approx(5 / 8)  # of those received in November
    assert {name: (line.received, line.solved, line.pending) for name, line in form.by_field.items()} == {
        "Hộ tịch": (9, 6, 3), "Đất đai": (1, 0, 1)
    }  # fmt: skip
    assert {name: (line.new, line.carried, line.solved) for name, line in form.by_channel.items()} == {
        "online": (5, 1, 3), "in_person": (2, 1, 2), "post": (1, 0, 1)
    }  # fmt: skip


def test_a_running_period_is_looked_at_today() -> None:
    # On the 24th, what is due on the 25th is in time.
    assert form_06a([case(20, 25, None, OPEN)], NOVEMBER, dt.date(2026, 11, 24)).total.pending_in_time == 1


def test_a_past_period_does_not_know_what_happened_later() -> None:
    later = Case(State.RETURNED, "", "online", on(20), on(25), dt.date(2026, 12, 3), dt.date(2026, 12, 3))
    assert form_06a([later], NOVEMBER, TODAY).total.pending_late == 1
    waited = Case(State.RETURNED, "", "online", on(20), on(25), dt.date(2026, 12, 3), dt.date(2026, 12, 3),
                  (Request(on(24), dt.date(2026, 12, 1), False),))  # fmt: skip
    assert form_06a([waited], NOVEMBER, TODAY).total.pending_in_time == 1


@pytest.mark.parametrize(
    ("broken", "fault", "gap"),
    [
        (Case(State.RETURNED, "", "online", on(5), None, dt.date(2026, 10, 30), None), ENDED_FIRST, 1),
        (Case(State.RETURNED, "", "online", dt.date(2026, 12, 2), None, on(20), None), RECEIVED_LATER, -1),
        (Case(State.RETURNED, "", "online", None, None, on(20), None), NOT_RECEIVED, -1),
        (Case(State.RETURNED, "", "online", on(5), None, None, None), NO_END, 0),
        (Case(State.PROCESSING, "", "online", None, None, None, None), NO_DATES, 0),
    ],
)
def test_dates_that_contradict_each_other_break_the_check_and_are_named(broken: Case, fault: str, gap: int) -> None:
    form = form_06a([*WORKED, broken], NOVEMBER, TODAY)
    assert (form.total.gap, dict(form.faults)) == (gap, {fault: 1})


some_day = st.one_of(st.none(), st.dates(dt.date(2026, 9, 1), dt.date(2026, 12, 5)))
any_case = st.builds(
    Case,
    st.sampled_from(sorted(set(State) - {State.REGISTERED, State.NOT_ACCEPTED})),
    st.sampled_from(["A", "B", ""]),
    st.sampled_from(["online", "in_person", "post"]),
    some_day,
    some_day,
    some_day,
    some_day,
    st.lists(st.builds(Request, some_day, some_day, st.booleans()), max_size=2).map(tuple),
)


@given(found=st.lists(any_case, max_size=40))
def test_identities_hold_or_the_fault_is_named(found: list[Case]) -> None:
    form = form_06a(found, NOVEMBER, TODAY)
    for line in (form.total, *form.by_field.values(), *form.by_channel.values()):
        assert line.received == line.online + line.offline + line.carried
        for rate in (line.on_time_rate, line.late_rate, line.completion if not form.faults else None, line.online_rate):
            assert rate is None or 0 <= rate <= 1
        if line.solved:
            assert line.on_time_rate + line.late_rate == pytest.approx(1)
    for name in ("received", "solved", "pending", "carried", "late"):
        whole = getattr(form.total, name)
        assert whole == sum(getattr(line, name) for line in form.by_field.values())
        assert whole == sum(getattr(line, name) for line in form.by_channel.values())
    assert form.total.gap == 0 or form.faults
    on_time = on_time_766(found, NOVEMBER, TODAY)
    assert on_time.rate is None or 0 <= on_time.rate <= 1


# -- the 766 index ------------------------------------------------------------------------------


def test_the_766_on_time_share_by_hand() -> None:
    found = [
        case(2, 10, 9),  # within
        case(3, 10, 11),  # late
        case(20, 25, None, OPEN),  # open past its date: late
        case(26, 30, None, OPEN),  # open, due on the last day: within
        case(2, 10, 12, requests=(Request(on(4), on(7), False),)),  # 12 − 3 days of waiting = 9: within
        case(2, 10, 12, requests=(Request(on(4), on(7), True),)),  # the date was moved already: late
        case(2, 30, 12, requests=(Request(on(4), on(5), True), Request(on(8), on(9), True))),  # asked twice: late
        case(2, 10, None, State.SUPPLEMENT, requests=(Request(on(9), None, False),)),  # asked in time, waits: within
        case(2, None, 12),  # no date of return: not known
        case(2, 10, None, State.RETURNED),  # no end known: left out
    ]
    on_time = on_time_766(found, NOVEMBER, TODAY)
    assert (on_time.within, on_time.late, on_time.unknown) == (4, 4, 1)
    assert on_time.rate == pytest.approx(4 / 8)


def petition(
    received: int, *steps: tuple[P, int], satisfied: bool | None = None, kind: Kind = Kind.CONDUCT
) -> Petition:
    """Received on a day of November 2026, with steps on others (31 is 1 December)."""
    moment = lambda day: dt.datetime(2026, 11, 1, 9) + dt.timedelta(days=day - 1)  # noqa: E731
    history = (Change(P.RECEIVED, moment(received)), *(Change(state, moment(day)) for state, day in steps))
    last = history[-1]
    return Petition(
        "PA-1", kind, "", "web", None, None, moment(received), last.state, last.at, history, None, satisfied
    )


@pytest.mark.parametrize(
    ("made", "late"),
    [
        # Friday 20 November + 2 working days is Wednesday 25: Tuesday 24 is Ngày Văn hóa Việt Nam.
        (petition(20, (P.REFUSED, 25)), False),
        (petition(20, (P.REFUSED, 26)), True),
        (petition(20, (P.PASSED_ON, 26)), True),
        # Monday 2 November + 5 working days is Monday 9, + 15 is Monday 23.
        (petition(2, (P.NEEDS_MORE, 9), (P.PROCESSING, 10), (P.ANSWERED, 23), (P.PUBLISHED, 25)), False),
        (petition(2, (P.NEEDS_MORE, 10), (P.PROCESSING, 11), (P.ANSWERED, 23), (P.PUBLISHED, 25)), True),
        (petition(2, (P.PROCESSING, 3), (P.ANSWERED, 25), (P.PUBLISHED, 25)), True),
        # Answered on Monday 23; Wednesday 25 and Thursday 26 are the two working days to publish it.
        (petition(2, (P.PROCESSING, 3), (P.ANSWERED, 23), (P.PUBLISHED, 26)), False),
        (petition(2, (P.PROCESSING, 3), (P.ANSWERED, 23), (P.PUBLISHED, 27)), True),
        (petition(2, (P.PROCESSING, 3)), True),  # on 5 December still not answered
        (petition(27, (P.PROCESSING, 30)), False),  # has until 18 December
    ],
)
def test_time_limits_of_petitions(made: Petition, late: bool) -> None:
    assert is_late(made, TODAY) is late


def test_petition_figures_by_hand() -> None:
    done = ((P.PROCESSING, 3), (P.ANSWERED, 10), (P.PUBLISHED, 11))
    found = [
        petition(2, *done),
        petition(2, *done, satisfied=True),
        petition(2, *done, satisfied=False),
        petition(2, (P.PROCESSING, 3), satisfied=None),
    ]
    figures = petitions_766(found, TODAY)
    assert (figures.n, figures.late, figures.bad) == (4, 1, 2)
    assert (figures.in_time_rate, figures.satisfied_rate) == (0.75, 0.5)  # 3/4; (4 − 2)/4
    nothing = petitions_766([], TODAY)
    assert (nothing.in_time_rate, nothing.satisfied_rate) == (None, None)


def test_satisfaction_with_handling_by_hand() -> None:
    # 200 dossiers, 10 late: 5 %. 4 complaints (a proposal is none) and 8 dislikes: 12/200 = 6 %. 100 − 5 − 6 = 89 %.
    complaints = [petition(2), petition(2), petition(2), petition(2), petition(2, kind=Kind.PROPOSAL)]
    found = handling_766(OnTime(190, 10, 0), complaints, 8)
    assert found
    assert (found.late_share, found.complained_share) == (0.05, 0.06)
    assert found.rate == pytest.approx(0.89)
    assert found.points == pytest.approx(0.89 * 6 / 0.9)  # 5.93
    assert handling_766(OnTime(), complaints, 8) is None
    assert handling_766(OnTime(190, 10, 0), complaints, None) is None


@pytest.mark.parametrize(("rate", "points"), [(1.0, 6.0), (0.9, 6.0), (0.45, 3.0), (0.0, 0.0)])
def test_points_of_5_4(rate: float, points: float) -> None:
    assert points_54(rate) == pytest.approx(points)


# -- the nine indices ---------------------------------------------------------------------------


def answers(*rows: dict[str, int]) -> Satisfaction:
    given = [Response(SERVICE, 1, dt.date(2026, 11, 4), "zalo", None, None, None, True, row, {}) for row in rows]
    return Satisfaction(INSTRUMENT, NOVEMBER, given)


FIVE = [{"contacts": 2, "bodies": 2, "publicity": 1, "attitude": 2}] * 4 + [
    {"contacts": 1, "bodies": 0, "publicity": 1, "attitude": 2}
]
OFFICE = {"2026-Q4": {5: 1.0, 8: 2.0, 9: 1.5}}


def test_the_nine_indices_by_hand() -> None:
    found = nine_indices(WORKED, answers(*FIVE), OFFICE, NOVEMBER, INSTRUMENT)
    # Ended in November: 2 early, 3 on time, 1 late: (2·2 + 3·1 + 0)/6 = 7/6.
    # Answers: (4·2 + 1)/5 = 1.8; (4·2 + 0)/5 = 1.6; 5·1/5 = 1; 2.
    expected = [7 / 6, 7 / 6, 1.8, 1.6, 1.0, 1.0, 2.0, 2.0, 1.5]
    assert [i.points for i in found.indices] == pytest.approx(expected)
    # 7/6 + 7/6 + 1.8 + 1.6 + 1 + 1 + 2 + 2 + 1.5 = 13.2333…
    assert (found.complete, found.low, found.classes) == (True, 13.23, ("Tốt", "Tốt"))


def test_a_missing_index_gives_a_range_and_no_class() -> None:
    found = nine_indices(WORKED, answers(*FIVE[:4]), {}, NOVEMBER, INSTRUMENT)
    assert not found.complete
    assert [(i.number, i.why) for i in found.indices if i.points is None] == [
        (3, "chưa đủ ý kiến"), (4, "chưa đủ ý kiến"), (5, "chưa nhập"), (6, "chưa đủ ý kiến"), (7, "chưa đủ ý kiến"),
        (8, "chưa nhập"), (9, "chưa nhập"),
    ]  # fmt: skip
    # 7/6 twice is 2.33; with seven times 2 more, 16.33.
    assert (found.low, found.high, found.classes) == (2.33, 16.33, ("Yếu", "Xuất sắc"))


@pytest.mark.parametrize(
    ("points", "label"),
    [
        (18, "Xuất sắc"),
        (15, "Xuất sắc"),
        (14.99, "Tốt"),
        (12, "Tốt"),
        (11.99, "Khá"),
        (9, "Khá"),
        (8.99, "Trung bình"),
        (6, "Trung bình"),
        (5.99, "Yếu"),
        (0, "Yếu"),
    ],
)
def test_classes(points: float, label: str) -> None:
    assert INSTRUMENT.grade(points) == label


def test_the_offices_figures_are_read_and_mistakes_are_named(tmp_path: Path) -> None:
    assert office_figures(tmp_path) == {}
    file = tmp_path / "agency-figures.yml"
    file.write_text("2026-Q4: {5: 1, 8: 2, 9: 1.5}\n", encoding="utf-8")
    assert office_figures(tmp_path) == OFFICE
    for text in ("2026-Q4: {5: 3}", "2026-11: {5: 1}", "2026-Q4: {3: 1}", "- x", "a: [", "2026-Q4: {5: tốt}", "\x00"):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(OfficeFiguresError, match=r"^agency-figures\.yml: [^\n]+$"):
            office_figures(tmp_path)


def test_a_year_averages_the_offices_quarters_and_needs_all_of_them() -> None:
    figures = {f"2026-Q{n}": {5: n / 2, 8: 2.0, 9: 1.0} for n in range(1, 5)}
    found = nine_indices([], None, figures, parse("2026"), INSTRUMENT)
    assert found.indices[4].points == pytest.approx((0.5 + 1 + 1.5 + 2) / 4)
    del figures["2026-Q2"]
    assert nine_indices([], None, figures, parse("2026"), INSTRUMENT).indices[4].points is None


# -- out of the registry ------------------------------------------------------------------------


def test_cases_come_out_of_the_registry_without_made_up_or_refused_ones(engine: sa.Engine) -> None:
    registry = Registry(engine, KEY)
    moment = lambda day, month=11: dt.datetime(2026, month, day, 9)  # noqa: E731
    asked = Supplement(moment(3), "bản sao", moment(5), moment(9), moment(11))
    registry.store([
        Entry("H57.17.26-261102-0001", State.RETURNED, field="Hộ tịch", channel="online", received_at=moment(2), due_at=moment(11),
              finished_at=moment(10), returned_at=moment(12), supplements=(asked,)),
        Entry("H57.17.26-261001-0002", State.RETURNED, received_at=moment(1, 10), returned_at=moment(20, 10)),  # over before
        Entry("H57.17.26-261001-0003", State.PROCESSING, received_at=moment(1, 10)),  # carried over
        Entry("H57.17.26-261102-0004", State.NOT_ACCEPTED, received_at=moment(2)),
        Entry("H57.17.26-261102-0005", State.REGISTERED, submitted_at=moment(2)),
        Entry("H57.17.26-261102-0006", State.WITHDRAWN, received_at=moment(2), updated_at=moment(4)),
    ])  # fmt: skip
    registry.store([Entry("H57.17.26-261102-0007", State.PROCESSING, received_at=moment(2))], sample=True)
    found = sorted(cases(engine, NOVEMBER), key=lambda c: (c.received or TODAY, c.state))
    assert [(c.state, c.received, c.ended, c.channel) for c in found] == [
        (State.PROCESSING, on(1, 10), None, "in_person"),
        (State.RETURNED, on(2), on(10), "online"),
        (State.WITHDRAWN, on(2), on(4), "in_person"),
    ]
    assert found[1].requests == (Request(on(3), on(5), True),)


def test_every_figure_is_explained_in_the_docs() -> None:
    text = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    assert [method.figure for method in METHODS if f"| {method.figure} |" not in text] == []
