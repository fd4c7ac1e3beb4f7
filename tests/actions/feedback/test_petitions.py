"""Petitions: numbers, time limits, states, what is kept of words, the officer's list."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter

import pytest
import sqlalchemy as sa

from actions.feedback.petitions import Kind, Limits, Petition, PetitionError, Petitions, State, find_number, new_number
from actions.feedback.responses import About

NOW = dt.datetime(2026, 11, 20, 9, 30)
"""A Friday; Tuesday the 24th is a holiday."""
ABOUT = About("zalo", "Phường Thử", "1.001193", "Hộ tịch")


@pytest.fixture
def petitions(engine: sa.Engine) -> Petitions:
    return Petitions(engine)


def sent(petitions: Petitions, text: str = "Chờ cả buổi không ai tiếp", now: dt.datetime = NOW) -> Petition:
    return petitions.submit(Kind.CONDUCT, text, ABOUT, now)


def test_numbers_have_their_day_and_no_look_alikes() -> None:
    numbers = [new_number(NOW.date()) for _ in range(2_000)]
    assert len(set(numbers)) == 2_000
    assert all(number.startswith("PA-261120-") and len(number) == 16 for number in numbers)
    assert not set("".join(number[10:] for number in numbers)) & set("01ILOU") - {"U"}
    assert min(Counter("".join(number[10:] for number in numbers)).values()) > 200, "all letters are as likely"


@pytest.mark.parametrize(
    "text",
    [
        "PA-261124-7F3KQM",
        "pa-261124-7f3kqm",
        "tra phản ánh PA-261124-7F3KQM giúp",
        "PA 261124 7F3KQM",
        "PA261124–7F3KQM.",
    ],
)
def test_a_number_is_found_as_people_type_it(text: str) -> None:
    assert find_number(text) == "PA-261124-7F3KQM"


@pytest.mark.parametrize(
    "text", ["PA-261124-7F3K", "PA-26112-7F3KQM", "SPA-261124-7F3KQM", "H57.17.26-261117-0004", "", "PA"]
)
def test_what_is_no_number(text: str) -> None:
    assert find_number(text) is None


def test_the_days_of_the_formula_are_working_days() -> None:
    """From Friday 20/11/2026: 23 is the first working day, 24 a holiday, 25 the second, then 26, 27, 30."""
    limits = Limits.of(NOW.date())
    assert limits.refuse_by == dt.date(2026, 11, 25)
    assert limits.ask_more_by == dt.date(2026, 11, 30)
    assert limits.answer_by == dt.date(2026, 12, 14)  # ten more: 1 to 4, 7 to 11, 14 December


def test_a_petition_keeps_words_without_personal_data_and_nobody(petitions: Petitions, engine: sa.Engine) -> None:
    sent(petitions, "Tôi tên là Nguyễn Văn A, số 0912345678, cán bộ Lê C quát tôi")
    with engine.connect() as connection:
        row = dict(connection.execute(sa.text("select * from petition")).mappings().one())
    everything = json.dumps(row, default=str, ensure_ascii=False)
    assert row["text"] == "Tôi tên là [tên], số [số điện thoại], cán bộ [tên] quát tôi"
    assert not any(piece in everything for piece in ("Nguyễn", "0912345678", "Lê C"))
    assert set(row) & {"sender", "conversation", "phone", "name"} == set()


def test_the_same_number_twice_is_one_petition(petitions: Petitions) -> None:
    number = new_number(NOW.date())
    first = petitions.submit(Kind.PROPOSAL, "Thêm ghế", ABOUT, NOW, number)
    again = petitions.submit(Kind.PROPOSAL, "Thêm ghế", ABOUT, NOW + dt.timedelta(minutes=1), number)
    assert first == again
    assert len(petitions.listed(today=NOW.date())) == 1


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_a_petition_needs_words(petitions: Petitions, text: str) -> None:
    with pytest.raises(ValueError, match="words"):
        sent(petitions, text)


def test_from_receipt_to_publication(petitions: Petitions) -> None:
    number = sent(petitions).number
    petitions.change(number, State.PROCESSING, NOW + dt.timedelta(days=1))
    answered = petitions.answer(number, "Đã nhắc nhở và xin lỗi anh/chị.", NOW + dt.timedelta(days=3))
    assert (answered.state, answered.due) == (State.ANSWERED, dt.date(2026, 11, 26))  # 25 and 26
    corrected = petitions.answer(number, "Đã nhắc nhở, xin lỗi.", NOW + dt.timedelta(days=4))
    assert (corrected.answer, corrected.changed_at) == ("Đã nhắc nhở, xin lỗi.", answered.changed_at)
    assert petitions.rate(number, False).satisfied is False
    done = petitions.publish(number, NOW + dt.timedelta(days=5))
    assert (done.state, done.due) == (State.PUBLISHED, None)
    assert [step.state for step in done.history] == [State.RECEIVED, State.PROCESSING, State.ANSWERED, State.PUBLISHED]
    assert petitions.find(number) == done


def test_more_is_asked_for_and_added(petitions: Petitions) -> None:
    number = sent(petitions).number
    with pytest.raises(PetitionError):
        petitions.add_words(number, "thêm", NOW)
    petitions.change(number, State.NEEDS_MORE, NOW, "Xin cho biết ngày nào.")
    added = petitions.add_words(number, "Sáng 19/11, anh Hùng tiếp", NOW + dt.timedelta(days=1))
    assert added.state is State.PROCESSING
    assert added.text.endswith("[Bổ sung 21/11/2026] Sáng 19/11, anh [tên] tiếp")


@pytest.mark.parametrize("state", [State.REFUSED, State.PASSED_ON, State.NEEDS_MORE])
def test_people_are_told_why(petitions: Petitions, state: State) -> None:
    number = sent(petitions).number
    with pytest.raises(PetitionError, match="lý do"):
        petitions.change(number, state, NOW, " ")
    assert petitions.change(number, state, NOW, "Thuộc thẩm quyền tỉnh.").history[-1].note == "Thuộc thẩm quyền tỉnh."


def test_no_way_back_and_no_shortcuts(petitions: Petitions) -> None:
    number = sent(petitions).number
    for state in (State.PUBLISHED, State.ANSWERED, State.RECEIVED):
        with pytest.raises(PetitionError):
            petitions.change(number, state, NOW, "x")
    with pytest.raises(PetitionError):
        petitions.publish(number, NOW)
    with pytest.raises(PetitionError):
        petitions.rate(number, True)
    petitions.change(number, State.REFUSED, NOW, "Không thuộc phạm vi.")
    for change in (
        lambda: petitions.change(number, State.PROCESSING, NOW),
        lambda: petitions.answer(number, "x", NOW),
        lambda: petitions.answer("PA-261120-AAAAAA", "x", NOW),
    ):
        with pytest.raises(PetitionError):
            change()
    assert petitions.find("PA-261120-AAAAAA") is None


def test_the_officers_list_shows_overdue_ones_first(petitions: Petitions) -> None:
    fresh = sent(petitions, now=NOW).number
    old = sent(petitions, now=NOW - dt.timedelta(days=10)).number
    worked_on = sent(petitions, now=NOW - dt.timedelta(days=9)).number
    petitions.change(worked_on, State.PROCESSING, NOW)
    closed = sent(petitions).number
    petitions.change(closed, State.REFUSED, NOW, "Trùng.")
    listed = petitions.listed(today=NOW.date())
    assert [petition.number for petition in listed] == [old, fresh, worked_on]
    assert [petition.is_overdue(NOW.date()) for petition in listed] == [True, False, False]
    assert [p.number for p in petitions.listed(State.REFUSED, today=NOW.date())] == [closed]
    assert len(petitions.received(NOW.date(), NOW.date())) == 2
