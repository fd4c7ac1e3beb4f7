"""Periods: what is read, what they are made up of, how they are named."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.feedback.reports.periods import InvalidPeriodError, Kind, between, parse

DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "since", "until", "label"),
    [
        ("2026-11", "2026-11-01", "2026-11-30", "Tháng 11/2026"),
        ("2028-02", "2028-02-01", "2028-02-29", "Tháng 02/2028"),
        ("2026-Q4", "2026-10-01", "2026-12-31", "Quý IV/2026"),
        ("2026-q1", "2026-01-01", "2026-03-31", "Quý I/2026"),
        ("2026", "2026-01-01", "2026-12-31", "Năm 2026"),
    ],
)
def test_what_is_read(text: str, since: str, until: str, label: str) -> None:
    period = parse(text)
    assert (str(period.since), str(period.until), period.label, period.key) == (since, until, label, text.upper())


@pytest.mark.parametrize(
    "text", ["", "2026-13", "2026-0", "11/2026", "2026-Q5", "1999", "99999", "2026-11-01", "x" * 500, "２０２６"]
)
def test_what_is_no_period_is_refused_in_a_few_words(text: str) -> None:
    with pytest.raises(InvalidPeriodError) as error:
        parse(text)
    assert len(str(error.value)) < 120


def test_days_that_are_a_month_are_that_month() -> None:
    assert between(dt.date(2026, 11, 1), dt.date(2026, 11, 30)) == parse("2026-11")
    assert between(dt.date(2026, 1, 1), dt.date(2026, 12, 31)) == parse("2026")
    some = between(dt.date(2026, 11, 2), dt.date(2026, 12, 1))
    assert (some.kind, some.key, some.label) == (Kind.RANGE, "2026-11-02_2026-12-01", "Từ 02/11/2026 đến 01/12/2026")
    for since, until in (("2026-11-02", "2026-11-01"), ("2026-01-01", "2027-06-01")):
        with pytest.raises(InvalidPeriodError):
            between(dt.date.fromisoformat(since), dt.date.fromisoformat(until))


def test_weeks_begin_on_monday_and_are_cut_at_the_ends_of_months() -> None:
    # 1 November 2026 is a Sunday, 30 November a Monday.
    weeks = [(week.since.day, week.until.day) for week in parse("2026-11").weeks]
    assert weeks == [(1, 1), (2, 8), (9, 15), (16, 22), (23, 29), (30, 30)]


days = st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1))


@given(first=days, length=st.integers(0, 365))
def test_parts_months_and_weeks_cover_every_day_once(first: dt.date, length: int) -> None:
    period = between(first, first + length * DAY)
    for pieces in (period.months, period.weeks, period.parts or period.months):
        covered = [piece.since + n * DAY for piece in pieces for n in range((piece.until - piece.since).days + 1)]
        assert covered == [first + n * DAY for n in range(length + 1)]
