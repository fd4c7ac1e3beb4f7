"""Which groups of answers may be shown, so that nobody's answer can be told or worked out.

A group of fewer than :data:`LEAST` people is not shown. That alone helps little: where all groups but one are shown
beside their total, the one is found by subtracting. So further groups are kept back until what is left over is a sum of
several groups with answers of both kinds (complementary suppression). Groups form a tree (in all, fields, procedures);
nothing overlaps: weeks are cut at the ends of months, a procedure is counted within its field.

Periods form a tree, too (a year, its quarters, their months), and each has a report. So that no report tells what another
keeps back, a group's figure of a quarter adds up the months whose reports show the group. Months whose reports show no
group at all are pooled, and the pool is treated as one period: so small offices see in a quarter what no month could show.

What this covers and what it does not is said in ``docs/reports.md``; ``tests/actions/feedback/reports`` attacks it with a
solver.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from actions.feedback.reports.periods import Period

LEAST = 5
"""Groups of fewer people are not shown."""

Path = tuple[str, ...]
"""A group: ``()`` is all, ``("Hộ tịch",)`` a field, ``("Hộ tịch", "1.001193")`` a procedure."""


@dataclass(frozen=True)
class Cell:
    """What is told of a group: people who answered, points that they gave and points that they withheld.

    For a share, a point is one satisfied answer; for a mean, one step of the scale, and ``squares`` is the sum of the
    squares of what each person gave.
    """

    n: int = 0
    good: int = 0
    bad: int = 0
    squares: int = 0

    def __add__(self, other: Cell) -> Cell:
        return Cell(self.n + other.n, self.good + other.good, self.bad + other.bad, self.squares + other.squares)


Rows = Mapping[tuple[dt.date, Path], Cell]
"""Cells of the smallest groups, by day."""


def total(cells: Iterable[Cell]) -> Cell:
    """The sum of cells."""
    return sum(cells, Cell())


def is_safe(kept_back: Sequence[Cell], whole: Cell) -> bool:
    """Whether groups may be kept back beside ``whole``, which is shown, so that only their sum becomes known.

    The sum must be of at least two groups and :data:`LEAST` people, and leave open who of them has how many, even if each
    is known to have somebody, or each to have fewer than :data:`LEAST`. It must hold points of both kinds, unless all
    people of ``whole`` gave the same answer.
    """
    groups = [cell for cell in kept_back if cell.n]
    if not groups:
        return True
    rest, most = total(groups), max(cell.n for cell in groups)
    open_counts = len(groups) >= 2 and rest.n >= LEAST and rest.n > len(groups)
    open_counts &= most >= LEAST or rest.n < (LEAST - 1) * len(groups)
    return open_counts and (rest.good > 0 or whole.good == 0) and (rest.bad > 0 or whole.bad == 0)


@dataclass(frozen=True)
class Release:
    """What is shown of one hierarchy of groups in one period.

    ``shown``: cells of groups that may be told, ``()`` among them unless nothing may. ``kept_back``: the groups with
    answers of which nothing may be told. ``rows``: what ``()`` counts. ``left_out``: parts with too few answers to be
    counted. Of a period with ``parts``, a group counts the parts that show it, and its answers in the parts of the
    ``pool``, where the release ``pooled`` shows it.
    """

    period: Period
    shown: dict[Path, Cell]
    kept_back: dict[Path, Cell]
    rows: Rows = field(repr=False)
    parts: list[Release] = field(default_factory=list, repr=False)
    pool: list[Release] = field(default_factory=list, repr=False)
    pooled: Release | None = field(default=None, repr=False)
    left_out: list[Period] = field(default_factory=list)

    @property
    def tells_of_groups(self) -> bool:
        return any(self.shown.keys() - {()})

    def periods_of(self, path: Path) -> list[Period]:
        """The smallest periods whose answers a cell that is shown counts."""
        if path not in self.shown:
            return []
        if self.pooled is None:
            return [self.period]
        if path == ():
            return [period for part in self.parts for period in part.smallest]
        apart = [period for part in self.parts if part not in self.pool for period in part.periods_of(path)]
        return apart + [period for part in self.pool if path in self.pooled.shown for period in part.smallest]

    @property
    def smallest(self) -> list[Period]:
        """The periods without parts that were counted."""
        return [self.period] if self.pooled is None else [period for part in self.parts for period in part.smallest]


def release(period: Period, rows: Rows, base: Release | None = None) -> Release:
    """Decide what may be shown of ``rows``.

    Args:
        period: what the report is about; the reports of its parts are taken as known to the reader.
        rows: cells of the smallest groups by day; those of nobody are left out.
        base: the release of another figure about the same groups: what that keeps back, this does, too.
    """
    if not period.parts:
        mine = {(day, path): cell for (day, path), cell in rows.items() if cell.n and period.has(day)}
        return _alone(period, mine, base)
    parts, left_out = _parts(period, rows, base)
    # Another figure of the same groups is counted in the same months, so that the two cannot be compared.
    told = {part.period for part in (base.parts if base else parts) if part.tells_of_groups}
    pool = [part for part in parts if part.period not in told]
    if base and len(pool) < len([part for part in base.parts if part.period not in told]):
        pool = []
    pooled = _alone(period, _rows_of(pool), base.pooled if base else None)
    counted = _rows_of(parts)
    cells = _cells(counted)
    shown: defaultdict[Path, Cell] = defaultdict(Cell)
    for one in (*(part for part in parts if part.period in told), pooled):
        for path, cell in one.shown.items():
            shown[path] += cell
    if () in cells and cells[()].n >= LEAST:
        shown[()] = cells[()]
    kept_back = {path: cell for path, cell in cells.items() if path not in shown}
    return Release(period, dict(shown), kept_back, counted, parts, pool, pooled, left_out)


def _alone(period: Period, rows: Rows, base: Release | None) -> Release:
    """The release of answers that no other report counts by group."""
    cells = _cells(rows)
    hidden = _hidden(cells, {path for path in cells if base and path not in base.shown})
    shown = {path: cell for path, cell in cells.items() if path not in hidden}
    return Release(period, shown, {path: cells[path] for path in hidden}, rows)


def _parts(period: Period, rows: Rows, base: Release | None) -> tuple[list[Release], list[Period]]:
    """The parts' releases, without those whose few answers could be told from the whole period's sum."""
    among = [(part.period, part) for part in base.parts] if base else [(part, None) for part in period.parts]
    parts = [release(part, rows, its_base) for part, its_base in among]
    left_out = [*(base.left_out if base else ()), *(gone for part in parts for gone in part.left_out)]
    small = [part for part in parts if part.rows and () not in part.shown]
    # Where heads are shown, groups may be, too, and be told apart from the pool: the few would be the rest beside it.
    headed = {its_period for its_period, its_base in among if its_base and () in its_base.shown}
    gone = [part for part in small if part.period in headed]
    small = [part for part in small if part not in gone]
    everything = total(cell for part in parts if part not in gone for cell in part.rows.values())
    if not is_safe([total(part.rows.values()) for part in small], everything):
        gone += small
    left_out += [part.period for part in gone]
    return [part for part in parts if part not in gone], list(dict.fromkeys(left_out))


def _rows_of(parts: Iterable[Release]) -> Rows:
    return {key: cell for part in parts for key, cell in part.rows.items()}


def _cells(rows: Rows) -> dict[Path, Cell]:
    """Cells of all groups that have an answer, and of all groups above them."""
    cells: defaultdict[Path, Cell] = defaultdict(Cell)
    for (_, path), cell in rows.items():
        for depth in range(len(path) + 1):
            cells[path[:depth]] += cell
    return dict(cells)


def _hidden(cells: Mapping[Path, Cell], forced: Collection[Path]) -> set[Path]:
    """The groups to keep back: small and forced ones, all below them, and as many more as it takes."""
    hidden = {path for path, cell in cells.items() if cell.n < LEAST} | set(forced)
    children: defaultdict[Path, list[Path]] = defaultdict(list)
    for path in cells:
        if path:
            children[path[:-1]].append(path)
    deepest_first = sorted(children, key=len, reverse=True)
    size = -1
    while size != len(hidden):
        size = len(hidden)
        for parent in deepest_first:
            hidden |= _among(children[parent], parent, cells, hidden)
    return hidden


def _among(children: list[Path], parent: Path, cells: Mapping[Path, Cell], hidden: set[Path]) -> set[Path]:
    """What else has to be kept back among ``children``; ``parent`` itself where all of them do not suffice."""
    if parent in hidden:
        return set(children)
    mine = {path for path in children if path in hidden}
    while not is_safe([cells[path] for path in mine], cells[parent]):
        shown = [path for path in children if path not in mine]
        if not shown:
            # All of them do not suffice, so their sum must not be known; which it is where they are all of the whole.
            is_whole = not parent or cells[parent] == cells[parent[:-1]]
            return mine if is_whole else mine | {parent}
        mine.add(min(shown, key=lambda path: (cells[path].n, path)))
    return mine
