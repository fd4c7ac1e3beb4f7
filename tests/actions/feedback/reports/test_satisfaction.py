"""Satisfaction figures worked out by hand, and what holds for whatever people answer."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from actions.feedback.instruments import ANSWER, POLL, SERVICE, load
from actions.feedback.reports.periods import parse
from actions.feedback.reports.satisfaction import DIMENSIONS, Satisfaction, by_version, time_dimension
from actions.feedback.reports.statistics import t_interval, wilson
from actions.feedback.responses import Response, Unanswered

NOVEMBER = parse("2026-11")
DAY = dt.date(2026, 11, 4)
INSTRUMENTS = load()
FIELDS, COMMUNES, CHANNELS = DIMENSIONS


def response(
    instrument: str = SERVICE, answers: dict | None = None, channel: str = "zalo", day: dt.date = DAY, **about
) -> Response:
    known = {"commune": "A", "procedure_code": "1.1", "field": "Hộ tịch", "complete": True, "version": 1} | about
    return Response(instrument=instrument, day=day, channel=channel, answers=answers or {}, comments={}, **known)


def missing(channel: str = "zalo", declined: bool = False, field: str = "Hộ tịch") -> Unanswered:
    return Unanswered(SERVICE, DAY, channel, "A", "1.1", field, declined)


def service(given: list[Response], asked: list[Unanswered] | None = None) -> Satisfaction:
    return Satisfaction(INSTRUMENTS[SERVICE], NOVEMBER, given, asked or [])


def test_the_share_of_the_headline_with_wilsons_interval() -> None:
    found = service(
        [response(answers={"overall": value}) for value in (2, 2, 2, 1, 1, 1, 1, 0, 0)]
        + [response(answers={"contacts": 2})]
    )
    figure = found.figure(found.headline)
    # 7 of 9; the tenth did not answer this question. z = 1.96: centre (7/9 + 3.8415/18) / (1 + 3.8415/9) = 0.6947,
    # half width 1.96 · √(7/9 · 2/9 / 9 + 3.8415/324) / 1.4268 = 0.2421.
    assert figure
    assert (found.n, figure.n, figure.value) == (10, 9, pytest.approx(7 / 9))
    assert (figure.low, figure.high) == (pytest.approx(0.4526, abs=1e-3), pytest.approx(0.9368, abs=1e-3))


@given(n=st.integers(1, 500), data=st.data())
def test_wilsons_interval_is_scipys(n: int, data: st.DataObject) -> None:
    good = data.draw(st.integers(0, n))
    known = stats.binomtest(good, n).proportion_ci(method="wilson")
    assert wilson(good / n, n) == pytest.approx((known.low, known.high), abs=1e-9)


def test_a_mean_with_students_interval() -> None:
    found = service([response(answers={"contacts": value}) for value in (2, 2, 2, 1, 0)])
    mean = next(m for m in found.means if m.id == "mean:contacts")
    figure = found.figure(mean)
    # (2+2+2+1+0)/5 = 1.4; variance (3·0.36 + 0.16 + 1.96)/4 = 0.8; t(4) = 2.776; 2.776 · √(0.8/5) = 1.1106; the scale ends at 2.
    assert figure
    assert figure.value == pytest.approx(1.4)
    assert (figure.low, figure.high) == (pytest.approx(1.4 - 1.1106, abs=1e-4), 2.0)
    assert t_interval(1.4, 0.8, 5) == pytest.approx(stats.t.interval(0.95, 4, 1.4, math.sqrt(0.8 / 5)))
    assert t_interval(1.4, 0.0, 1) is None


def test_levels_and_their_shares() -> None:
    found = service([response(answers={"overall": value}) for value in (2, 2, 2, 1, 0, 0)])
    levels = found.distribution(found.instrument.headline)
    assert levels
    assert (levels.n, levels.counts) == (6, {2: 3, 1: 1, 0: 2})
    few = found.distribution(found.instrument.item("contacts"))
    assert few is not None and few.counts == {}


def test_factors_pool_the_items_that_enough_people_answered() -> None:
    given = [response(POLL, {"polite": 5, "guidance": 2}) for _ in range(5)] + [
        response(POLL, {"polite": 4, "lawful": 1}) for _ in range(3)
    ]
    found = Satisfaction(INSTRUMENTS[POLL], NOVEMBER, given)
    officers = found.figure(next(f for f in found.factors if f.id == "factor:officers"))
    # polite: 8 satisfied of 8; guidance: 0 of 5; lawful was answered by 3 people only and does not count. 8/13.
    assert officers
    assert (officers.n, officers.value) == (8, pytest.approx(8 / 13))
    assert found.figure(found.headline) == officers  # the other factors have no answers


def test_response_rate_of_channels_that_ask_one_by_one() -> None:
    given = [response(answers={"overall": 2}, channel="zalo") for _ in range(6)] + [
        response(answers={"overall": 0}, channel="qr") for _ in range(7)
    ]
    asked = [missing(), missing(declined=True), missing("web")]
    found = service(given, asked)
    # Zalo: 6 of 6 + 2. Nobody answered on the web, so its group has no figure; who saw a QR code is not known.
    assert {group.path[0]: group.rate for group in found.groups(CHANNELS)} == {"zalo": 6 / 8, "qr": None}
    assert (found.rate, found.not_answered, found.declined) == (6 / 8, 3, 1)
    # A field with 6 answers in the chat and 7 elsewhere: 6 ÷ (6 + 3).
    assert next(group.rate for group in found.groups(FIELDS)) == 6 / 9


def test_a_quarters_rate_is_of_the_months_that_its_group_counts() -> None:
    october, november = dt.date(2026, 10, 7), DAY
    given = [response(day=october, channel=channel) for channel in ["zalo"] * 9 + ["web"] * 6]
    given += [response(day=november, channel=channel) for channel in ["zalo"] * 9 + ["web"] * 3 + ["telegram"] * 3]
    asked = [Unanswered(SERVICE, day, "web", None, None, None, False) for day in (october, november, november)]
    found = Satisfaction(INSTRUMENTS[SERVICE], parse("2026-Q4"), given, asked)
    # November shows Zalo only, so the web counts October: 6 of 6 + 1.
    assert {group.path[0]: (group.n, group.rate) for group in found.groups(CHANNELS)} == {
        "zalo": (18, 1.0),
        "web": (6, 6 / 7),
    }
    assert found.rate == pytest.approx((18 + 6) / (18 + 7))


def test_a_rate_does_not_tell_of_a_few_people_on_another_channel() -> None:
    given = [response(answers={"overall": 2}) for _ in range(8)] + [
        response(answers={"overall": 0}, channel="paper") for _ in range(2)
    ]
    assert [group.rate for group in service(given, [missing()]).groups(FIELDS) if group.path == ("Hộ tịch",)] == [None]


def test_partial_answers_are_counted_and_versions_are_told_apart() -> None:
    given = [response(answers={"overall": 2}, complete=False)] * 2 + [response(answers={"overall": 2})] * 4
    assert (service(given).n, service(given).partial) == (6, 2)
    mixed = by_version([response(version=2), response(version=1), response(ANSWER), response(version=2)])
    assert {key: len(found) for key, found in mixed.items()} == {(ANSWER, 1): 1, (SERVICE, 1): 1, (SERVICE, 2): 2}


def test_weeks_are_groups_too() -> None:
    given = [
        response(answers={"overall": value}, day=dt.date(2026, 11, day)) for day in (4, 11) for value in (2, 2, 2, 0, 0)
    ]
    groups = service(given).groups(time_dimension(NOVEMBER))
    assert [(group.path, group.n, group.figures["headline"].value) for group in groups] == [
        (("2026-11-02",), 5, pytest.approx(0.6)),
        (("2026-11-09",), 5, pytest.approx(0.6)),
    ]


def test_nothing_and_few_answers_give_no_figures() -> None:
    for count in (0, 4):
        found = service([response(answers={"overall": 2})] * count)
        assert (found.n, found.figure(found.headline), found.groups(FIELDS), found.partial, found.rate) == (
            None,
            None,
            [],
            0,
            None,
        )


answer = st.fixed_dictionaries(
    {}, optional={item.id: st.sampled_from([0, 1, 2]) for item in INSTRUMENTS[SERVICE].items if item.scale}
)
anyone = st.builds(
    response,
    answers=answer,
    channel=st.sampled_from(["zalo", "web", "qr"]),
    day=st.dates(NOVEMBER.since, NOVEMBER.until),
    field=st.sampled_from(["A", "B", None]),
    procedure_code=st.sampled_from(["1.1", "1.2", None]),
)


@settings(max_examples=50, deadline=None)
@given(
    given=st.lists(anyone, max_size=40),
    asked=st.lists(st.builds(missing, st.sampled_from(["zalo", "web"]), st.booleans()), max_size=9),
)
def test_rates_are_rates_and_groups_are_no_more_than_all(given: list[Response], asked: list[Unanswered]) -> None:
    found = service(given, asked)
    for dimension in (*DIMENSIONS, time_dimension(NOVEMBER)):
        groups = found.groups(dimension)
        assert sum(group.n for group in groups if len(group.path) == 1) <= (found.n or 0)
        for group in groups:
            assert group.n >= 5
            assert group.rate is None or 0 < group.rate <= 1
            for measure, figure in group.figures.items():
                if figure:
                    most = 1 if measure == "headline" else 2
                    assert 5 <= figure.n <= group.n
                    assert 0 <= figure.low <= figure.value + 1e-9 and figure.value <= figure.high + 1e-9 <= most + 1e-6
    for item in found.instrument.items:
        levels = found.distribution(item)
        assert levels is None or levels.n == 0 or levels.n >= 5
