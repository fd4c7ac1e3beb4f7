"""What people answered, counted: for each question, factor and in all, and by what the answers are about.

Every figure of a group goes through :mod:`actions.feedback.reports.suppression`. Versions of an instrument ask different
questions and are never added up.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from actions.feedback.instruments import Instrument, Item, Scale, Value
from actions.feedback.reports.periods import Period
from actions.feedback.reports.statistics import t_interval, wilson
from actions.feedback.reports.suppression import LEAST, Cell, Path, Release, release
from actions.feedback.responses import Response, Unanswered

ASKING_CHANNELS = frozenset({"zalo", "telegram", "web"})
"""Channels where people are asked one by one, so that it is known how many did not answer."""
UNKNOWN = ""
"""The group of responses that do not name the field, procedure or commune."""


@dataclass(frozen=True)
class Figure:
    """A share (0 to 1) or a mean with its interval; ``n`` people answered."""

    n: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Measure:
    """Something that is told of a group: the share of satisfied answers to some items, or the mean of one."""

    id: str
    title: str
    items: tuple[tuple[Item, Scale], ...]
    share: bool = True

    def cell(self, response: Response) -> Cell:
        """What one response adds."""
        given = [(response.answers[item.id], scale) for item, scale in self.items if item.id in response.answers]
        if not given:
            return Cell()
        if self.share:
            good = sum(value in scale.satisfied for value, scale in given)
            return Cell(1, good, len(given) - good)
        (value, scale), *_ = given
        low, high = scale_ends(scale)
        return Cell(1, int(value) - low, high - int(value), (int(value) - low) ** 2)

    def figure(self, cell: Cell) -> Figure:
        """The figure of a group with at least one answer."""
        if self.share:
            share = cell.good / (cell.good + cell.bad)
            return Figure(cell.n, share, *wilson(share, cell.n))
        mean = cell.good / cell.n
        variance = (cell.squares - cell.n * mean * mean) / (cell.n - 1) if cell.n > 1 else 0.0
        low, high = scale_ends(self.items[0][1])
        ends = t_interval(mean, max(0.0, variance), cell.n)
        if ends is None:
            return Figure(cell.n, low + mean, None, None)
        return Figure(cell.n, low + mean, max(float(low), low + ends[0]), min(float(high), low + ends[1]))


def scale_ends(scale: Scale) -> tuple[int, int]:
    """The lowest and the highest value of a numeric scale."""
    values = [int(option.value) for option in scale.options]
    return min(values), max(values)


class Dimension:
    """A way to group responses: a name, and the path of the smallest group that one belongs to, of so many levels."""

    def __init__(self, id: str, title: str, path_of: Callable[[Response | Unanswered], Path], depth: int = 1) -> None:
        self.id, self.title, self.path_of, self.depth = id, title, path_of, depth


DIMENSIONS = (
    Dimension("field", "Lĩnh vực", lambda r: (r.field or UNKNOWN, r.procedure_code or UNKNOWN), 2),
    Dimension("commune", "Đơn vị", lambda r: (r.commune or UNKNOWN,)),
    Dimension("channel", "Kênh", lambda r: (r.channel or UNKNOWN,)),
)
"""Procedures are counted within their field."""
_WHOLE = Dimension("whole", "", lambda _: (), 0)


def time_dimension(period: Period) -> Dimension:
    """Months, and weeks within them; of one month, weeks only. Groups are named by their first day."""
    months = period.months
    paths: dict[dt.date, Path] = {}
    for month in months:
        for week in month.weeks:
            path = (month.since.isoformat(), week.since.isoformat())[-2 if len(months) > 1 else -1 :]
            paths |= {week.since + dt.timedelta(days=n): path for n in range((week.until - week.since).days + 1)}
    return Dimension("time", "Thời gian", lambda r: paths[r.day], 2 if len(months) > 1 else 1)


@dataclass(frozen=True)
class Distribution:
    """How many chose each value of an item; empty counts where fewer than five people answered it."""

    item: Item
    scale: Scale
    counts: dict[Value, int]

    @property
    def n(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Group:
    """A group that may be shown: its figures by measure (None where that one may not) and its response rate."""

    path: Path
    n: int
    figures: dict[str, Figure | None]
    rate: float | None


class Satisfaction:
    """All figures of one version of one instrument in one period.

    Args:
        instrument: as it was when it was answered.
        period: the report's period.
        responses: to this instrument and version, of the period.
        unanswered: those who were asked in the period and did not answer.
    """

    def __init__(
        self,
        instrument: Instrument,
        period: Period,
        responses: Iterable[Response],
        unanswered: Iterable[Unanswered] = (),
    ) -> None:
        self.instrument, self.period = instrument, period
        self._given = list(responses)
        self._asked_in_vain = list(unanswered)
        self._releases: dict[tuple[str, str], Release] = {}

    # -- in all -------------------------------------------------------------------------------

    @cached_property
    def _whole(self) -> Release:
        return self._base(_WHOLE)

    @property
    def n(self) -> int | None:
        """How many responses are counted; None for fewer than five."""
        cell = self._whole.shown.get(())
        return cell.n if cell else None

    @property
    def left_out(self) -> list[Period]:
        """Months whose few responses would be told by the sum of the whole period, and are not counted."""
        return self._whole.left_out

    @cached_property
    def counted(self) -> list[Response]:
        """The responses that the figures are about; empty where they are too few."""
        days = {day for day, _ in self._whole.rows}
        return [r for r in self._given if r.day in days] if self.n else []

    @cached_property
    def _missing(self) -> list[Unanswered]:
        return [u for u in self._asked_in_vain if not any(part.has(u.day) for part in self.left_out)]

    @property
    def partial(self) -> int:
        """Responses that were not gone through to the end."""
        return sum(not r.complete for r in self.counted)

    @property
    def declined(self) -> int:
        """People who were asked and did not want to answer."""
        return sum(u.declined for u in self._missing)

    @property
    def not_answered(self) -> int:
        """People who were asked and have not answered, declined ones among them."""
        return len(self._missing)

    @property
    def rate(self) -> float | None:
        """Responses ÷ (responses + unanswered) over the asking channels whose numbers are shown."""
        shown = [(group.n, group.rate) for group in self.groups(_CHANNEL) if group.rate is not None]
        people = sum(n / rate for n, rate in shown)
        return sum(n for n, _ in shown) / people if shown else None

    # -- measures -----------------------------------------------------------------------------

    @cached_property
    def headline(self) -> Measure:
        """The share of satisfied answers: to the headline item, else to all items whose own figure is shown."""
        item = self.instrument.headline
        items = self._with_scales([item], satisfied=True) if item else self._often_answered
        return Measure("headline", "Tỷ lệ hài lòng", items)

    @cached_property
    def factors(self) -> list[Measure]:
        """The share of satisfied answers of each factor."""
        often = self._often_answered
        return [
            Measure(
                f"factor:{factor.id}", factor.title, tuple(p for p in often if p[0].factor == factor.id), share=True
            )
            for factor in self.instrument.factors
        ]

    @cached_property
    def _often_answered(self) -> tuple[tuple[Item, Scale], ...]:
        """Items whose own figure is shown. Only these are pooled: the sum of all would tell of one that is not."""
        return tuple(share.items[0] for share in self.shares if self.figure(share))

    @cached_property
    def means(self) -> list[Measure]:
        """The mean of each item with more than two numeric steps."""
        return [
            Measure(f"mean:{item.id}", item.ask, ((item, scale),), share=False)
            for item, scale in self._with_scales(self.instrument.items)
            if scale.numeric and len(scale.options) > 2
        ]

    @cached_property
    def shares(self) -> list[Measure]:
        """The share of satisfied answers of each item that knows them."""
        items = self._with_scales(self.instrument.items, satisfied=True)
        return [Measure(f"share:{item.id}", item.ask, ((item, scale),)) for item, scale in items]

    @property
    def columns(self) -> list[Measure]:
        """What is told of every group beside the headline: factors, or else the means of other items."""
        return self.factors or [m for m in self.means if not m.items[0][0].headline]

    def _with_scales(self, items: Iterable[Item], *, satisfied: bool = False) -> tuple[tuple[Item, Scale], ...]:
        pairs = ((item, self.instrument.scale_of(item)) for item in items)
        return tuple((item, scale) for item, scale in pairs if scale and (scale.satisfied or not satisfied))

    def figure(self, measure: Measure) -> Figure | None:
        """A figure of all responses; None where too few answered."""
        return _figure(measure, self._released(_WHOLE, measure), ())

    def distribution(self, item: Item) -> Distribution | None:
        """How often each value was chosen; None for free words. Empty where too few answered."""
        scale = self.instrument.scale_of(item)
        if scale is None:
            return None
        people = Measure(f"people:{item.id}", "", ((item, scale),))
        released = self._released(_WHOLE, people)
        counts: Counter[Value] = Counter()
        if () in released.shown:
            days = {day for day, _ in released.rows}
            counts.update(r.answers[item.id] for r in self.counted if r.day in days and item.id in r.answers)
        return Distribution(item, scale, {o.value: counts[o.value] for o in scale.options} if counts else {})

    # -- by group -----------------------------------------------------------------------------

    def groups(self, dimension: Dimension) -> list[Group]:
        """The groups that may be shown, those within others after them."""
        base = self._base(dimension)
        measures = [self.headline, *self.columns]
        releases = {m.id: self._released(dimension, m) for m in measures}
        rates = self._rates(dimension, base)
        groups = []
        for path, cell in sorted(base.shown.items()):
            figures = {m.id: _figure(m, releases[m.id], path) for m in measures}
            if any(figures[m.id] is None for m in self.factors):
                # The headline sums up the factors: the others would tell of the one that is missing.
                figures |= dict.fromkeys((m.id for m in self.factors), None)
            if path:
                groups.append(Group(path, cell.n, figures, rates.get(path)))
        return groups

    def kept_back(self, dimension: Dimension) -> bool:
        """Whether some group of this dimension is not shown."""
        return bool(self._base(dimension).kept_back)

    def _base(self, dimension: Dimension) -> Release:
        """Heads only."""
        return self._cached(dimension, "heads", lambda _: Cell(1), None)

    def _released(self, dimension: Dimension, measure: Measure) -> Release:
        return self._cached(dimension, measure.id, measure.cell, self._base(dimension))

    def _cached(
        self, dimension: Dimension, id: str, cell_of: Callable[[Response], Cell], base: Release | None
    ) -> Release:
        key = dimension.id, id
        if key not in self._releases:
            rows: defaultdict[tuple[dt.date, Path], Cell] = defaultdict(Cell)
            for response in self._given:
                rows[response.day, dimension.path_of(response)] += cell_of(response)
            self._releases[key] = release(self.period, rows, base)
        return self._releases[key]

    def _rates(self, dimension: Dimension, base: Release) -> dict[Path, float]:
        """Response rates over the asking channels, where they do not tell of a few people who answered elsewhere."""
        answered, missing = _by_path(dimension, self.counted), _by_path(dimension, self._missing)
        rates = {}
        for path, cell in base.shown.items():
            periods = base.periods_of(path)
            given, not_given = (
                sum(any(p.has(day) for p in periods) for day in days[path]) for days in (answered, missing)
            )
            if given >= LEAST and (cell.n == given or cell.n - given >= LEAST):
                rates[path] = given / (given + not_given)
        return rates


_CHANNEL = next(d for d in DIMENSIONS if d.id == "channel")


def _figure(measure: Measure, released: Release, path: Path) -> Figure | None:
    cell = released.shown.get(path)
    return measure.figure(cell) if cell else None


def _by_path(dimension: Dimension, people: Iterable[Response | Unanswered]) -> defaultdict[Path, list[dt.date]]:
    """The days on which people of the asking channels are in each group."""
    out: defaultdict[Path, list[dt.date]] = defaultdict(list)
    for one in people:
        if one.channel in ASKING_CHANNELS:
            path = dimension.path_of(one)
            for depth in range(1, len(path) + 1):
                out[path[:depth]].append(one.day)
    return out


def by_version(responses: Iterable[Response]) -> dict[tuple[str, int], list[Response]]:
    """Responses by instrument and version, in order."""
    out: defaultdict[tuple[str, int], list[Response]] = defaultdict(list)
    for response in responses:
        out[response.instrument, response.version].append(response)
    return {key: out[key] for key in sorted(out)}
