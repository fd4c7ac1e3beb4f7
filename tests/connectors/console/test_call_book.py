"""The book of calls on both databases: told twice or in any order, taken once, and numbers gone when they are not needed."""

from __future__ import annotations

import datetime as dt
import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from connectors.console.hotline.call_book import (
    MISSED_DAYS,
    OPEN_HOURS,
    RINGS_S,
    CallBook,
    Event,
    Outcome,
    State,
    Written,
    masked,
    number,
)

KEY = b"a key for tests, of 32 bytes ...!"
NOW = dt.datetime(2026, 11, 24, 9)
PHONE = "0912345678"


def after(**time: float) -> dt.datetime:
    return NOW + dt.timedelta(**time)


@pytest.fixture
def book(engine: sa.Engine) -> CallBook:
    return CallBook(engine, KEY)


def rows(engine: sa.Engine) -> list[dict[str, object]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.text("select * from hotline_call order by id")).mappings()]


@pytest.mark.parametrize("order", list(itertools.permutations(Event)))
def test_events_in_any_order_and_twice_come_to_the_same(
    book: CallBook, engine: sa.Engine, order: tuple[Event, ...]
) -> None:
    book.sit("lan", "101")
    for event in (*order, *order):
        book.tell("c1", event, "101", PHONE, NOW)
    (row,) = rows(engine)
    assert (row["state"], row["agent"]) == ("open", "lan")
    assert row["answered_at"] and row["ended_at"]
    assert book.phone(row["id"]) == PHONE  # type: ignore[arg-type]
    assert PHONE not in str(row)


def test_a_call_rings_for_its_extension_and_for_all_where_nobody_sits_there(book: CallBook) -> None:
    book.sit("lan", "101")
    book.sit("minh", "102")
    book.tell("c1", Event.RINGING, "101", PHONE, NOW)
    book.tell("c2", Event.RINGING, "199", None, NOW)
    assert [call.extension for call in book.ringing("lan", NOW)] == ["199", "101"]
    assert [call.extension for call in book.ringing("minh", NOW)] == ["199"]
    assert book.ringing("lan", NOW)[1].phone == "09••••••78"
    assert book.ringing("lan", after(seconds=RINGS_S + 1)) == [], "the telephone system forgot to say that it ended"
    book.sit("minh", "101")
    assert book.seat("lan") is None, "one at each extension"


def test_of_two_who_take_a_call_one_gets_it(book: CallBook) -> None:
    book.tell("c1", Event.RINGING, "101", PHONE, NOW)
    id = book.ringing("lan", NOW)[0].id
    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(lambda agent: book.take(id, agent), [f"a{n}" for n in range(6)]))
    assert won.count(True) == 1
    winner = f"a{won.index(True)}"
    assert book.take(id, winner), "who has it keeps it"
    current = book.current(winner)
    assert current and current.id == id


def test_writing_up_forgets_the_number_unless_something_is_promised(book: CallBook, engine: sa.Engine) -> None:
    first, second = book.begin("lan", PHONE, NOW), book.begin("lan", PHONE, NOW)
    assert not book.write(first, "minh", Written(Outcome.ANSWERED), NOW)
    assert book.write(first, "lan", Written(Outcome.ANSWERED, "Hộ tịch", "1.001193", "chị Lan gọi từ 0912345678"), NOW)
    promise = Written(Outcome.CALL_BACK, follow_up_on=NOW.date())
    assert book.write(second, "lan", promise, NOW)
    kept = rows(engine)
    assert (kept[0]["phone"], kept[0]["phone_key"]) == (None, None)
    assert "0912345678" not in str(kept[0]["note"]) and "Lan" not in str(kept[0]["note"])
    assert [call.id for call in book.due(NOW)] == [second]
    assert book.due_count(after(days=-1)) == 0
    assert book.phone(second) == PHONE
    third = book.begin("minh", PHONE, NOW)
    promised = book.promised_to(third)
    assert promised and promised.id == second
    assert book.follow_up_done(second, NOW)
    assert not book.follow_up_done(second, NOW)
    assert book.phone(second) is None
    assert book.due(NOW) == [] and book.promised_to(third) is None


def test_it_may_be_written_anew_until_the_day_ends(book: CallBook) -> None:
    id = book.begin("lan", now=NOW)
    assert book.write(id, "lan", Written(Outcome.ANSWERED), NOW)
    assert book.write(id, "lan", Written(Outcome.FORWARDED), after(hours=8))
    assert not book.write(id, "lan", Written(Outcome.ANSWERED), after(days=1))
    assert book.of_day(NOW.date(), "lan")[0].outcome is Outcome.FORWARDED


def test_a_missed_call_is_due_until_it_is_called_back_or_too_old(book: CallBook, engine: sa.Engine) -> None:
    book.tell("c1", Event.RINGING, "101", PHONE, NOW)
    book.tell("c1", Event.HANGUP, "101", PHONE, after(seconds=20))
    (missed,) = book.due(after(hours=1))
    assert (missed.state, missed.phone) == (State.MISSED, "09••••••78")
    book.sweep(365, after(days=MISSED_DAYS, hours=1))
    assert rows(engine)[0]["phone"] is None
    assert book.due(after(days=MISSED_DAYS, hours=1)) == []
    book.tell("c2", Event.RINGING, "101", PHONE, NOW)
    book.sweep(365, after(seconds=RINGS_S + 1))
    back = book.due(after(minutes=5))[0].id
    assert book.take(back, "lan", after(minutes=5)), "calling back"
    assert back not in {call.id for call in book.due(after(minutes=5))}


def test_a_call_that_is_answered_where_nobody_sits_can_be_taken(book: CallBook) -> None:
    book.tell("c1", Event.ANSWERED, "101", PHONE, NOW)
    (call,) = book.ringing("lan", after(minutes=3))
    assert book.take(call.id, "lan")
    assert book.ringing("minh", after(minutes=3)) == []


def test_nothing_is_kept_longer_than_it_must(book: CallBook, engine: sa.Engine) -> None:
    book.begin("lan", PHONE, NOW)
    forgotten = book.begin("lan", PHONE, NOW)
    book.write(forgotten, "lan", Written(Outcome.CALL_BACK, follow_up_on=NOW.date()), NOW)
    book.sweep(365, after(hours=OPEN_HOURS - 1))
    assert [bool(row["phone"]) for row in rows(engine)] == [True, True]
    book.sweep(365, after(hours=OPEN_HOURS + 1))
    assert [bool(row["phone"]) for row in rows(engine)] == [False, True]
    book.sweep(365, after(days=MISSED_DAYS + 1))
    assert [bool(row["phone"]) for row in rows(engine)] == [False, False]
    assert book.sweep(30, after(days=31)) == 2


def test_figures_per_day_and_outcome(book: CallBook) -> None:
    for outcome, day in ((Outcome.ANSWERED, 0), (Outcome.ANSWERED, 0), (Outcome.NOT_FOUND, 1)):
        id = book.begin("lan", now=after(days=day))
        book.write(id, "lan", Written(outcome), after(days=day))
    book.tell("c1", Event.HANGUP, "101", None, NOW)
    book.tell("c2", Event.RINGING, "101", None, NOW)
    first = NOW.date()
    assert book.figures(first, first + dt.timedelta(days=1)) == {
        first: {"answered": 2, "missed": 1, "open": 1},
        first + dt.timedelta(days=1): {"not_found": 1},
    }
    assert len(list(book.between(first, first))) == 4


def test_another_installations_key_shows_no_number(engine: sa.Engine, book: CallBook) -> None:
    book.begin("lan", PHONE, NOW)
    current = CallBook(engine, b"another").current("lan")
    assert current and current.phone is None


@pytest.mark.parametrize(
    ("told", "kept"),
    [("+84 912 345 678", PHONE), ("0912.345.678", PHONE), ("113", "113"), ("anonymous", None), ("", None), (None, None),
     ("9" * 40, None), ("٠٩١٢٣٤٥٦٧٨", None)],
)  # fmt: skip
def test_numbers_as_telephone_systems_write_them(told: str | None, kept: str | None) -> None:
    assert number(told) == kept


def test_masks_show_the_ends_only() -> None:
    assert masked(PHONE) == "09••••••78"
    assert masked("113") == "•••"
