"""Weekly hours: read as offices write them, holidays off, the next opening found."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.office_hours import OfficeWeek, spoken

USUAL = OfficeWeek.parse("T2-T6 07:30-11:30, 13:30-17:00; T7 7h30-11h30")
MOMENTS = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 1))


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, minute)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (at(25, 7, 29), False),
        (at(25, 7, 30), True),
        (at(25, 11, 30), False),
        (at(25, 16, 59), True),
        (at(28, 9), True),  # Saturday morning
        (at(28, 14), False),
        (at(29, 9), False),  # Sunday
        (at(24, 9), False),  # Culture Day, a Tuesday
        (at(2, 9, month=9), False),  # National Day, a Wednesday
    ],
)
def test_open_or_not(moment: dt.datetime, is_open: bool) -> None:
    assert USUAL.is_open(moment) is is_open


def test_the_next_opening() -> None:
    assert USUAL.opens_at(at(25, 5)) == at(25, 7, 30)
    assert USUAL.opens_at(at(25, 12)) == at(25, 13, 30)
    assert USUAL.opens_at(at(28, 12)) == at(30, 7, 30)
    assert OfficeWeek(((),) * 7).opens_at(at(25, 5)) is None


@given(MOMENTS)
def test_it_is_open_when_it_opens_and_not_before(moment: dt.datetime) -> None:
    opening = USUAL.opens_at(moment)
    assert opening and opening > moment
    assert USUAL.is_open(opening)
    assert not USUAL.is_open(opening - dt.timedelta(minutes=1))


@pytest.mark.parametrize(
    "text",
    ["", "sáng", "T2", "T8 07:00-08:00", "T6-T2 07:00-08:00", "T2 08:00-07:00", "T2 25:00-26:00",
     "T2 13:00-17:00, 07:00-11:00", "T2 07:00", "07:00-11:00"],
)  # fmt: skip
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"hours|days|hour must be"):
        OfficeWeek.parse(text)


def test_moments_in_words() -> None:
    now = at(25, 12)
    assert spoken(at(25, 13, 30), now) == "13 giờ 30 hôm nay"
    assert spoken(at(26, 7), now) == "7 giờ ngày mai"
    assert spoken(at(30, 7, 30), now) == "7 giờ 30 thứ Hai ngày 30/11"
