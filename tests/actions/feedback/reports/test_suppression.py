"""Small groups: kept back, and not to be worked out by somebody who knows all that is shown and solves for the rest."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from actions.feedback.instruments import SERVICE, load
from actions.feedback.reports.periods import Period, parse
from actions.feedback.reports.satisfaction import DIMENSIONS, Dimension, Figure, Satisfaction, time_dimension
from actions.feedback.reports.suppression import LEAST, Cell, Path, Release, is_safe, release
from actions.feedback.responses import Response

NOVEMBER, QUARTER = parse("2026-11"), parse("2026-Q4")
INSTRUMENT = load()[SERVICE]
PROCEDURES = [
    ("Hộ tịch", "1.1"),
    ("Hộ tịch", "1.2"),
    ("Hộ tịch", "1.3"),
    ("Đất đai", "2.1"),
    ("Y tế", "3.1"),
    ("Y tế", "3.2"),
]
CHANNELS, COMMUNES = ["zalo", "web", "paper"], ["A", "B"]
DAY = dt.date(2026, 11, 4)
WHOLE = Dimension("whole", "", lambda _: (), 0)


def response(day: dt.date, procedure: tuple[str, str], channel: str, commune: str, overall: int | None) -> Response:
    answers = {} if overall is None else {"overall": overall}
    field, code = procedure
    return Response(SERVICE, 1, day, channel, commune, code, field, True, answers, {})


# -- the rule, by hand --------------------------------------------------------------------------


def shown(cells: dict[str, int]) -> set[str]:
    """Groups of one level that are shown, everybody having given one good and one bad point."""
    rows = {(DAY, (name,)): Cell(n, n, n) for name, n in cells.items()}
    return {path[0] for path in release(NOVEMBER, rows).shown if path}


def test_a_single_small_group_takes_the_next_smallest_with_it() -> None:
    # 40 − 30 − 7 would tell that C has 3; with B kept back, only B + C = 10 is known.
    assert shown({"A": 30, "B": 7, "C": 3}) == {"A"}
    assert shown({"A": 30, "B": 7}) == {"A", "B"}


def test_small_groups_whose_sum_is_small_take_the_next_with_them() -> None:
    # C + D = 4, fewer than five people.
    assert shown({"A": 30, "B": 7, "C": 3, "D": 1}) == {"A"}
    # C + D = 6: five or more, and open who has how many.
    assert shown({"A": 30, "B": 7, "C": 3, "D": 3}) == {"A", "B"}


def test_groups_that_are_all_as_full_as_small_ones_can_be_take_another_with_them() -> None:
    # C + D = 8 where both have fewer than five would be 4 + 4.
    assert shown({"A": 30, "B": 7, "C": 4, "D": 4}) == {"A"}


def test_nothing_is_shown_of_fewer_than_five() -> None:
    assert release(NOVEMBER, {(DAY, ("A",)): Cell(4, 2, 2)}).shown == {}
    assert set(release(NOVEMBER, {(DAY, ("A",)): Cell(5, 2, 3)}).shown) == {(), ("A",)}


def test_a_field_is_kept_back_with_its_procedures_and_a_procedure_with_its_only_sibling() -> None:
    rows = {
        (DAY, ("F", "1")): Cell(20, 10, 10), (DAY, ("F", "2")): Cell(3, 1, 2),
        (DAY, ("G", "3")): Cell(9, 4, 5), (DAY, ("H", "4")): Cell(2, 1, 1), (DAY, ("I", "5")): Cell(12, 6, 6),
    }  # fmt: skip
    found = release(NOVEMBER, rows).shown
    # H is small, so G goes, too, with its procedure; within F, 2 is small, so 1 goes, too.
    assert set(found) == {(), ("F",), ("I",), ("I", "5")}


def test_a_rest_in_which_all_said_the_same_is_not_left_over() -> None:
    # C and D together are six people; but all of them were satisfied, so each is known to have been. B joins them.
    rows = {
        (DAY, (name,)): cell
        for name, cell in {"A": Cell(20, 12, 8), "B": Cell(9, 7, 2), "C": Cell(3, 3), "D": Cell(3, 3)}.items()
    }
    assert {path for path in release(NOVEMBER, rows).shown if path} == {("A",)}


@pytest.mark.parametrize(
    ("cells", "safe"),
    [([], True), ([5], False), ([2, 2], False), ([2, 3], True), ([1] * 5, False), ([1] * 4 + [2], True)],
)
def test_what_may_be_left_over(cells: list[int], safe: bool) -> None:
    assert is_safe([Cell(n, n, n) for n in cells], Cell(100, 100, 100)) is safe


# -- between reports ----------------------------------------------------------------------------


def of_months(october: int, november: int, december: int) -> list[Response]:
    counts = ((10, october), (11, november), (12, december))
    return [response(dt.date(2026, m, 10), PROCEDURES[0], "zalo", "A", i % 3) for m, n in counts for i in range(n)]


def test_a_month_with_few_answers_is_not_in_the_quarters_sum() -> None:
    # 10 + 3 + 12: with the months' reports at hand, a sum of 25 would tell of November's 3.
    found = Satisfaction(INSTRUMENT, QUARTER, of_months(10, 3, 12))
    assert (found.n, [part.key for part in found.left_out]) == (22, ["2026-11"])
    # Two such months are 6 people together, and nobody knows how many in which.
    both = Satisfaction(INSTRUMENT, QUARTER, of_months(10, 2, 4))
    assert (both.n, both.left_out) == (16, [])


def by_field(*counts: tuple[int, int, int]) -> list[Response]:
    """So many answers on Hộ tịch, Đất đai and Y tế in October, November and December."""
    procedures = [PROCEDURES[0], PROCEDURES[3], PROCEDURES[4]]
    return [
        response(dt.date(2026, month, 10), procedure, "zalo", "A", i % 3)
        for month, row in zip((10, 11, 12), counts, strict=True)
        for procedure, n in zip(procedures, row, strict=True)
        for i in range(n)
    ]


def shown_fields(period: Period, given: list[Response]) -> dict[str, int]:
    found = Satisfaction(INSTRUMENT, period, [r for r in given if period.has(r.day)])
    return {group.path[0]: group.n for group in found.groups(DIMENSIONS[0]) if len(group.path) == 1}


def test_a_quarter_adds_up_the_months_that_show_a_group() -> None:
    given = by_field((9, 9, 9), (2, 3, 9), (9, 9, 9))
    assert shown_fields(NOVEMBER, given) == {"Y tế": 9}
    # With November's 2 in it, Hộ tịch would be 20, and 20 − 9 − 9 = 2.
    assert shown_fields(QUARTER, given) == {"Hộ tịch": 18, "Đất đai": 18, "Y tế": 27}


def test_a_quarter_of_small_months_shows_what_no_month_can() -> None:
    given = by_field((3, 3, 2), (4, 2, 2), (3, 3, 3))
    assert [shown_fields(month, given) for month in QUARTER.months] == [{}, {}, {}]
    assert shown_fields(QUARTER, given) == {"Hộ tịch": 10, "Đất đai": 8, "Y tế": 7}


# -- the attack ---------------------------------------------------------------------------------


class Attack:
    """Knows every kind of person that there can be, and all that is shown; finds how many of a group there may be.

    A variable is the number of people of one kind: what they are about, when they answered, and what they said.
    """

    def __init__(self, kinds: list[Response]) -> None:
        self.kinds = kinds
        self._rows: list[np.ndarray] = []
        self._sums: list[int] = []

    def learn(self, select: Callable[[Response], bool], value: int) -> None:
        self._rows.append(np.array([float(select(kind)) for kind in self.kinds]))
        self._sums.append(value)

    def read(self, found: Satisfaction, dimensions: Iterable[Dimension]) -> None:
        """Learn all numbers of a report that are about its groups."""
        if found.n is not None:
            self._learn_of(found, WHOLE, (), found.n, found.figure(found.headline))
        for dimension in dimensions:
            for group in found.groups(dimension):
                self._learn_of(found, dimension, group.path, group.n, group.figures["headline"])

    def _learn_of(self, found: Satisfaction, dimension: Dimension, path: Path, n: int, figure: Figure | None) -> None:
        self.learn(_member(found._base(dimension), dimension, path), n)
        if figure is not None:
            # Knowing which months are in the sum helps the attack; reports do not say it of every figure.
            member = _member(found._released(dimension, found.headline), dimension, path)
            good = round(figure.n * figure.value)
            self.learn(lambda r: member(r) and said(r) is True, good)
            self.learn(lambda r: member(r) and said(r) is False, figure.n - good)

    def bounds(self, select: Callable[[Response], bool]) -> tuple[int, int]:
        """The fewest and the most people of a kind, in whole numbers."""
        goal = np.array([float(select(kind)) for kind in self.kinds])
        ends = []
        for sign in (1, -1):
            solved = linprog(sign * goal, A_eq=np.array(self._rows), b_eq=self._sums, bounds=(0, None), method="highs")
            assert solved.success, solved.message
            ends.append(sign * solved.fun)
        return int(np.ceil(ends[0] - 1e-6)), int(np.floor(ends[1] + 1e-6))


def said(one: Response) -> bool | None:
    return INSTRUMENT.satisfied(one.answers)


def _member(released: Release, dimension: Dimension, path: Path) -> Callable[[Response], bool]:
    """Who is counted in a group that is shown; of one that is not, all who belong to it."""
    periods = released.periods_of(path) or released.smallest
    return lambda r: any(p.has(r.day) for p in periods) and dimension.path_of(r)[: len(path)] == path


def kept_secret(attack: Attack, reports: Iterable[Satisfaction], dimension: Dimension) -> None:
    """Check every group of every report that is not shown."""
    told = [_figures(found, dimension) for found in reports]
    for found in reports:
        base, released = found._base(dimension), found._released(dimension, found.headline)
        for path in base.kept_back.keys() - {()}:
            low, high = attack.bounds(_member(base, dimension, path))
            assert high > low, f"{path}: {low} people"
        for path, cell in released.kept_back.items():
            if cell == released.shown.get(()) or path == ():
                continue  # all who answered are in it, so that it is told with the whole
            if not _is_certain(path, told):
                _opinions_are_open(attack, _member(released, dimension, path), path)


def _is_certain(path: Path, told: list[dict[Path, Figure | None]]) -> bool:
    """Whether a group that is shown, and of which all people said the same, tells of a part of it or of its siblings.

    Within one report siblings tell nothing; what one report tells of a sibling may be the whole rest of another.
    """
    near = [path[:depth] for depth in range(len(path) + 1)]
    if len(told) > 1:
        near += [other for figures in told for other in figures if other and other[:-1] in near]
    figures = [figure for name in near for found in told if (figure := found.get(name))]
    return any(figure.value in (0, 1) for figure in figures)


def _figures(found: Satisfaction, dimension: Dimension) -> dict[Path, Figure | None]:
    shown = {group.path: group.figures["headline"] for group in found.groups(dimension)}
    return shown | {(): found.figure(found.headline)}


def _opinions_are_open(attack: Attack, member: Callable[[Response], bool], path: Path) -> None:
    for opinion in (True, False):

        def is_one(one: Response, opinion: bool = opinion) -> bool:
            return member(one) and said(one) is opinion

        low, high = attack.bounds(is_one)
        assert high > low, f"{path}: {low} people said {opinion}"


days = st.sampled_from([dt.date(2026, 11, d) for d in (1, 4, 11, 12, 25)])
people = st.builds(
    response,
    days,
    st.sampled_from(PROCEDURES + PROCEDURES[:1] * 3),
    st.sampled_from([*CHANNELS, "zalo", "zalo"]),
    st.sampled_from(COMMUNES),
    st.sampled_from([None, 0, 1, 2, 2]),
)
slow = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@slow
@given(given=st.lists(people, min_size=LEAST, max_size=45))
def test_nobody_can_solve_for_a_hidden_group(given: list[Response]) -> None:
    dimensions = [*DIMENSIONS, time_dimension(NOVEMBER)]
    found = Satisfaction(INSTRUMENT, NOVEMBER, given)
    attack = Attack(_all_kinds([dt.date(2026, 11, d) for d in (1, 4, 11, 25)], CHANNELS, COMMUNES))
    attack.read(found, dimensions)
    for dimension in dimensions:
        kept_secret(attack, [found], dimension)


@slow
@given(
    given=st.lists(
        st.builds(
            response,
            st.sampled_from([dt.date(2026, 10, 7), dt.date(2026, 11, 4), dt.date(2026, 12, 9)]),
            st.sampled_from(PROCEDURES[:5]),
            st.just("zalo"),
            st.just("A"),
            st.sampled_from([None, 0, 2, 2]),
        ),
        min_size=20,
        max_size=70,
    )
)
def test_nobody_can_solve_for_a_hidden_group_with_the_reports_of_the_months_at_hand(given: list[Response]) -> None:
    fields = DIMENSIONS[0]
    quarter = Satisfaction(INSTRUMENT, QUARTER, given)
    months = [Satisfaction(INSTRUMENT, m, [r for r in quarter.counted if m.has(r.day)]) for m in QUARTER.months]
    attack = Attack(_all_kinds([dt.date(2026, m, 5) for m in (10, 11, 12)], ["zalo"], ["A"], PROCEDURES[:5]))
    for found in (*months, quarter):
        attack.read(found, [fields])
    kept_secret(attack, [*months, quarter], fields)


def _all_kinds(
    days: list[dt.date], channels: list[str], communes: list[str], procedures: list = PROCEDURES
) -> list[Response]:
    return [response(*kind) for kind in itertools.product(days, procedures, channels, communes, (None, 0, 2))]


def test_the_attack_finds_what_a_careless_report_would_tell() -> None:
    """The attack is worth its name: it does find a group by subtracting."""
    attack = Attack(_all_kinds([DAY], CHANNELS, ["A"]))
    attack.learn(lambda _: True, 40)
    attack.learn(lambda r: r.field == "Hộ tịch", 30)
    attack.learn(lambda r: r.field == "Đất đai", 7)
    assert attack.bounds(lambda r: r.field == "Y tế") == (3, 3)
