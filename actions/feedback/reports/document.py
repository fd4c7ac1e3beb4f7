"""A report as a neutral document: sections of tables with typed cells. Workbook, CSV and page are all made from it."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

Value = str | int | float | None
"""A cell; None where there is no figure, and ``Table.notes`` say why."""


class Kind(StrEnum):
    """What a column holds; rates are fractions (0.853 is 85.3 %)."""

    TEXT = "text"
    COUNT = "count"
    RATE = "rate"  # shown as a percentage with one decimal
    RATE_2 = "rate2"  # with two decimals, as the 766 index rounds
    NUMBER = "number"  # with two decimals


_DECIMALS = {Kind.RATE: 3, Kind.RATE_2: 4, Kind.NUMBER: 2}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Column(_Part):
    """A column; ``group`` is a heading over several neighbouring ones."""

    title: str
    kind: Kind = Kind.TEXT
    group: str = ""


class Chart(_Part):
    """How a table can be drawn, by numbers of its columns; ``low`` and ``high`` bound the only value's interval."""

    kind: Literal["bar", "line", "stacked"]
    label: int
    values: list[int]
    low: int | None = None
    high: int | None = None


class Table(_Part):
    """A table; ``total``: its last row sums up the others. ``notes`` are sentences to read with it."""

    id: str
    title: str
    columns: list[Column]
    rows: list[list[Value]]
    total: bool = False
    chart: Chart | None = None
    notes: list[str] = []


class Section(_Part):
    """Tables that belong together."""

    id: str
    title: str
    tables: list[Table] = []
    notes: list[str] = []


class Method(_Part):
    """How a figure is computed, after which source, and what is uncertain about it."""

    figure: str
    formula: str
    source: str
    caution: str = ""


class Report(_Part):
    """A whole report."""

    title: str
    office: str
    period: str
    period_key: str
    since: dt.date
    until: dt.date
    made_at: dt.datetime
    sections: list[Section]
    methods: list[Method]

    @property
    def tables(self) -> list[tuple[Section, Table]]:
        return [(section, table) for section in self.sections for table in section.tables]


def table(
    id: str,
    title: str,
    columns: list[Column],
    rows: list[list[Value]],
    *,
    total: bool = False,
    chart: Chart | None = None,
    notes: list[str] | None = None,
) -> Table:
    """A table with its numbers rounded as they are shown, so that all forms of a report agree to the last digit."""
    rounded = [[_rounded(value, column.kind) for value, column in zip(row, columns, strict=True)] for row in rows]
    return Table(id=id, title=title, columns=columns, rows=rounded, total=total, chart=chart, notes=notes or [])


def _rounded(value: Value, kind: Kind) -> Value:
    return round(value, _DECIMALS[kind]) if isinstance(value, float) and kind in _DECIMALS else value
