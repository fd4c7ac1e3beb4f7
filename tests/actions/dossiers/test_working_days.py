from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from actions.dossiers.working_days import (
    USUAL_HOURS,
    Calendar,
    HolidayFile,
    OfficeHours,
    Pause,
    add_working_days,
    add_working_minutes,
    are_certain,
    clock_start,
    due,
    is_working_day,
    official,
    passed_on_by,
    same_day,
    working_days_between,
    working_minutes,
)
from knowledge.procedure import TimeUnit

D = dt.date
steady = settings(derandomize=True, deadline=None)


def at(text: str) -> dt.datetime:
    """``"20/11/2026 10:00"``."""
    return dt.datetime.strptime(text, "%d/%m/%Y %H:%M")


WITHOUT_SWAPS = Calendar(
    HolidayFile.model_validate(
        {
            "certain_until": 2026,
            "checked_on": "2026-11-22",
            "notices": [{"source": "A7", "dated": "2026-11-22", "work": {"2026-08-31": "không hoán đổi"}}],
        }
    )
)
"""The list of domain.md A7: 2026 without any swapped day."""

A7 = [
    (D(2026, 11, 20), 1, D(2026, 11, 23)),
    (D(2026, 11, 20), 2, D(2026, 11, 25)),
    (D(2026, 11, 20), 5, D(2026, 11, 30)),
    (D(2026, 11, 23), 1, D(2026, 11, 25)),
    (D(2026, 4, 24), 3, D(2026, 5, 4)),
    (D(2026, 2, 13), 3, D(2026, 2, 25)),
    (D(2026, 8, 31), 2, D(2026, 9, 4)),
]


@pytest.mark.parametrize(("start", "count", "end"), A7)
@pytest.mark.parametrize("calendar", [WITHOUT_SWAPS, official()], ids=["without swaps", "official"])
def test_vectors_of_a7(start: dt.date, count: int, end: dt.date, calendar: Calendar) -> None:
    assert add_working_days(start, count, calendar) == end


@pytest.mark.parametrize(("start", "count", "end"), A7)
def test_vectors_of_a7_by_the_clock(start: dt.date, count: int, end: dt.date) -> None:
    received = dt.datetime.combine(start, dt.time(10, 0))
    assert due(received, count, calendar=WITHOUT_SWAPS).at == dt.datetime.combine(end, dt.time(10, 0))


def days_off(year: int) -> set[str]:
    days = (D(year, 1, 1) + dt.timedelta(days=n) for n in range(365))
    return {f"{day.day}/{day.month}" for day in days if day.weekday() < 5 and not is_working_day(day)}


def worked_weekends(year: int) -> set[str]:
    days = (D(year, 1, 1) + dt.timedelta(days=n) for n in range(365))
    return {f"{day.day}/{day.month}" for day in days if day.weekday() >= 5 and is_working_day(day)}


def test_official_years_day_by_day() -> None:
    assert days_off(2025) == {"1/1", *(f"{n}/1" for n in range(27, 32)), "7/4", "30/4", "1/5", "2/5", "1/9", "2/9"}
    assert worked_weekends(2025) == {"26/4"}
    tet = {f"{n}/2" for n in range(16, 21)}
    assert days_off(2026) == {"1/1", "2/1", *tet, "27/4", "30/4", "1/5", "31/8", "1/9", "2/9", "24/11"}
    assert worked_weekends(2026) == {"10/1", "22/8"}
    assert official().certain_until == 2026


def test_2027_holds_the_sure_days_and_tet_by_the_moon() -> None:
    assert {"1/1", "16/4", "30/4", "3/5", "2/9", "24/11"} <= days_off(2027)
    assert {"5/2", "8/2"} <= days_off(2027)  # Tết Đinh Mùi: mùng 1 is Saturday 6 February
    assert days_off(2026) >= {"24/11"}
    assert is_working_day(D(2025, 11, 24)), "the Culture Day began in 2026"


def test_every_day_of_the_file_names_its_source() -> None:
    for day in (D(2026, 2, 16), D(2026, 1, 2), D(2026, 11, 24), D(2027, 11, 24), D(2026, 4, 30)):
        holiday = official().holiday(day)
        assert holiday and holiday.name and holiday.source
    assert official().holiday(D(2026, 8, 22)) is None
    assert official().holiday(D(2026, 11, 21)) is None, "a plain Saturday is no holiday"


@pytest.mark.parametrize(
    ("first", "last", "certain"),
    [
        (D(2026, 11, 2), D(2026, 11, 20), True),
        (D(2026, 11, 20), D(2026, 11, 25), False),  # the proposed swap of 23/11
        (D(2026, 12, 28), D(2026, 12, 31), True),
        (D(2026, 12, 28), D(2027, 1, 4), False),
    ],
)
def test_what_is_certain(first: dt.date, last: dt.date, certain: bool) -> None:
    assert are_certain(first, last) is certain


@pytest.mark.parametrize(
    ("received", "started"),
    [
        ("20/11/2026 09:15", "20/11/2026 09:15"),
        ("20/11/2026 05:00", "20/11/2026 07:00"),
        ("20/11/2026 12:10", "20/11/2026 13:30"),
        ("20/11/2026 15:30", "20/11/2026 15:30"),
        ("20/11/2026 17:00", "20/11/2026 17:00"),
        ("20/11/2026 17:01", "23/11/2026 07:00"),
        ("21/11/2026 09:00", "23/11/2026 07:00"),
        ("23/11/2026 23:59", "25/11/2026 07:00"),
        ("24/11/2026 09:00", "25/11/2026 07:00"),
    ],
)
def test_the_clock_starts_in_office_hours(received: str, started: str) -> None:
    assert clock_start(at(received)) == at(started)


@pytest.mark.parametrize(
    ("received", "passed_on", "done_same_day"),
    [
        ("20/11/2026 09:00", "20/11/2026 17:00", "20/11/2026 17:00"),
        ("20/11/2026 15:00", "20/11/2026 17:00", "20/11/2026 17:00"),
        ("20/11/2026 15:01", "23/11/2026 07:00", "23/11/2026 17:00"),
        ("23/11/2026 16:00", "25/11/2026 07:00", "25/11/2026 17:00"),
        ("21/11/2026 09:00", "23/11/2026 07:00", "23/11/2026 17:00"),
        ("20/11/2026 18:00", "23/11/2026 07:00", "23/11/2026 17:00"),
    ],
)
def test_after_fifteen_it_goes_on_the_next_working_day(received: str, passed_on: str, done_same_day: str) -> None:
    assert passed_on_by(at(received)) == at(passed_on)
    assert same_day(at(received)) == at(done_same_day)


@pytest.mark.parametrize(
    ("received", "quantity", "unit", "end"),
    [
        ("20/11/2026 10:00", 5, TimeUnit.WORKING_DAY, "30/11/2026 10:00"),
        ("20/11/2026 18:00", 1, TimeUnit.WORKING_DAY, "25/11/2026 07:00"),
        ("16/11/2026 09:00", 0.5, TimeUnit.WORKING_DAY, "16/11/2026 15:00"),
        ("16/11/2026 09:00", 1.5, TimeUnit.WORKING_DAY, "17/11/2026 15:00"),
        ("16/11/2026 16:00", 2, TimeUnit.WORKING_HOUR, "17/11/2026 08:00"),
        ("20/11/2026 16:30", 4, TimeUnit.WORKING_HOUR, "23/11/2026 10:30"),
        ("16/11/2026 07:00", 8, TimeUnit.WORKING_HOUR, "16/11/2026 17:00"),
        ("16/11/2026 10:00", 4, TimeUnit.DAY, "20/11/2026 10:00"),
        ("16/11/2026 10:00", 5, TimeUnit.DAY, "23/11/2026 10:00"),  # Saturday, rolled
        ("16/11/2026 10:00", 8, TimeUnit.DAY, "25/11/2026 10:00"),  # Culture Day, rolled
        ("19/11/2026 10:00", 24, TimeUnit.HOUR, "20/11/2026 10:00"),
        ("16/11/2026 10:00", 30, TimeUnit.MINUTE, "16/11/2026 10:30"),
        ("31/08/2025 10:00", 6, TimeUnit.MONTH, "03/03/2026 07:00"),
        ("02/09/2024 10:00", 1, TimeUnit.YEAR, "04/09/2025 07:00"),
    ],
)
def test_due(received: str, quantity: float, unit: TimeUnit, end: str) -> None:
    assert due(at(received), quantity, unit).at == at(end)


def test_due_tells_the_holidays_it_skipped() -> None:
    found = due(at("20/11/2026 10:00"), 5)
    assert [item.name for item in found.holidays] == ["Ngày Văn hóa Việt Nam"]
    assert found.expected, "a swap of 23/11 was proposed and is not decided"
    assert not due(at("09/11/2026 10:00"), 5).expected
    assert due(at("28/12/2026 10:00"), 30).expected
    assert due(at("25/11/2026 10:00"), 3, TimeUnit.DAY).expected, "28/11 may be worked"
    assert not due(at("25/11/2026 10:00"), 7, TimeUnit.DAY).expected


@pytest.mark.parametrize(
    ("pauses", "end"),
    [
        ([], "13/11/2026 09:00"),
        ([("10/11/2026 10:00", "11/11/2026 10:00")], "16/11/2026 09:00"),
        ([("10/11/2026 10:00", "10/11/2026 11:00")], "13/11/2026 10:00"),
        ([("06/11/2026 17:00", "09/11/2026 07:00")], "13/11/2026 09:00"),  # a weekend costs nothing
        ([("10/11/2026 10:00", "12/11/2026 10:00"), ("11/11/2026 10:00", "12/11/2026 10:00")], "17/11/2026 09:00"),
        ([("01/11/2026 10:00", "05/11/2026 10:00")], "13/11/2026 09:00"),  # before receipt
        ([("13/11/2026 10:00", "30/11/2026 10:00")], "13/11/2026 09:00"),  # asked when it was already late
        ([("10/11/2026 10:00", "09/11/2026 10:00")], "13/11/2026 09:00"),  # nonsense
        ([("12/11/2026 09:00", "13/11/2026 09:00"), ("13/11/2026 10:00", "16/11/2026 10:00")], "17/11/2026 09:00"),
    ],
)
def test_a_pause_shifts_the_end(pauses: list[tuple[str, str]], end: str) -> None:
    stops = [Pause(at(a), at(b)) for a, b in pauses]
    assert due(at("06/11/2026 09:00"), 5, pauses=stops).at == at(end)


def test_while_the_clock_stands_still_there_is_no_end() -> None:
    found = due(at("06/11/2026 09:00"), 5, pauses=[Pause(at("10/11/2026 09:00"))])
    assert (found.at, found.paused) == (None, True)
    assert due(at("06/11/2026 09:00"), 5, pauses=[Pause(at("20/11/2026 09:00"))]).at == at("13/11/2026 09:00")


def test_calendar_days_are_shifted_by_the_time_that_passed() -> None:
    stops = [Pause(at("10/11/2026 10:00"), at("12/11/2026 10:00"))]
    assert due(at("09/11/2026 09:00"), 2, TimeUnit.DAY, stops).at == at("13/11/2026 09:00")


@pytest.mark.parametrize(
    ("quantity", "unit"), [(0, "day"), (-1, "day"), (1e9, "working_day"), (1.5, "month"), (9, "year")]
)
def test_what_is_no_time_limit_is_refused(quantity: float, unit: str) -> None:
    with pytest.raises(ValueError, match=r"no time limit|cannot be counted"):
        due(at("09/11/2026 09:00"), quantity, TimeUnit(unit))


def test_other_office_hours() -> None:
    hours = OfficeHours(((dt.time(8), dt.time(12)), (dt.time(13), dt.time(17))), pass_on_until=dt.time(16))
    assert clock_start(at("20/11/2026 12:30"), hours) == at("20/11/2026 13:00")
    assert passed_on_by(at("20/11/2026 15:30"), hours) == at("20/11/2026 17:00")
    with pytest.raises(ValueError, match="office hours"):
        OfficeHours(((dt.time(13), dt.time(17)), (dt.time(8), dt.time(12))))


def test_an_office_may_bring_its_own_file(tmp_path: Path) -> None:
    file = tmp_path / "holidays.yml"
    head = "certain_until: 2030\nchecked_on: 2026-11-24\n"
    file.write_text(head + "notices:\n- {source: x, dated: 2026-01-01, rest: {2026-11-25: nghỉ}}\n", "utf-8")
    own = Calendar.load(file)
    assert not own.is_working_day(D(2026, 11, 25))
    assert own.is_certain(D(2030, 1, 1))
    assert is_working_day(D(2026, 11, 25))
    file.write_text(head + "notices:\n- {source: x, dated: 2026-01-01, off: {2026-11-25: nghỉ}}\n", "utf-8")
    with pytest.raises(ValidationError):
        Calendar.load(file)


days = st.dates(D(2024, 1, 1), D(2028, 12, 31))
moments = st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2028, 12, 31))


@steady
@given(days, st.integers(0, 60))
def test_between_undoes_add(start: dt.date, count: int) -> None:
    end = add_working_days(start, count)
    assert is_working_day(end)
    if count:
        assert working_days_between(start, end) == count
        assert working_days_between(end, start) == -count


@steady
@given(moments, st.integers(1, 30 * 480))
def test_minutes_after_are_minutes_between(start: dt.datetime, minutes: int) -> None:
    start = start.replace(second=0, microsecond=0)
    assert working_minutes(start, add_working_minutes(start, minutes)) == minutes


@steady
@given(moments, st.integers(1, 40), st.lists(st.tuples(moments, st.integers(0, 9_000)), max_size=3))
def test_exactly_the_limit_is_worked_outside_the_pauses(
    received: dt.datetime, count: int, stops: list[tuple[dt.datetime, int]]
) -> None:
    received = received.replace(second=0, microsecond=0)
    pauses = [Pause(s.replace(second=0, microsecond=0), s + dt.timedelta(minutes=m)) for s, m in stops]
    pauses = [Pause(p.start, p.end.replace(second=0, microsecond=0)) for p in pauses if p.end]
    found = due(received, count, pauses=pauses)
    assert found.at
    stood = {
        minute
        for pause in pauses
        for minute in range(_minute(pause.start), _minute(pause.end or pause.start))
        if _minute(found.started) <= minute < _minute(found.at) and _worked(minute)
    }
    assert working_minutes(found.started, found.at) - len(stood) == count * USUAL_HOURS.minutes


def _minute(moment: dt.datetime) -> int:
    return int((moment - dt.datetime(2020, 1, 1)).total_seconds() // 60)


def _worked(minute: int) -> bool:
    moment = dt.datetime(2020, 1, 1) + dt.timedelta(minutes=minute)
    in_hours = any(start <= moment.time() < end for start, end in USUAL_HOURS.spans)
    return in_hours and is_working_day(moment.date())


def test_strange_years_do_no_harm() -> None:
    for year in (1, 1800, 2500, 9998):
        assert add_working_days(D(year, 6, 1), 3) > D(year, 6, 1)
    with pytest.raises(ValueError, match="too far apart"):
        working_days_between(D(1990, 1, 1), D(9999, 1, 1))
