"""The questionnaire in a talk: what counts as an answer, where answers lead, how interruptions end."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.feedback.instruments import ANSWER, POLL, SERVICE, load
from actions.feedback.responses import About
from actions.feedback.survey import (
    BUTTON,
    Given,
    Move,
    Survey,
    interrupted,
    options_of,
    pending,
    pressed,
    step,
    text_of,
    understood,
)

INSTRUMENTS = load()
SIX = ["contacts", "bodies", "publicity", "attitude", "convenience", "overall"]


def survey(name: str, **changes: object) -> Survey:
    about = asdict(About("zalo"))
    return Survey(name, INSTRUMENTS[name].version, "key", about, **changes)  # type: ignore[arg-type]


def read(name: str, item: str, text: str) -> object:
    """The value or the move that a message means where ``item`` waits."""
    instrument, here = INSTRUMENTS[name], survey(name, only=item)
    said = understood(instrument, here, text)
    if said is None:
        return None
    return said.value if said.move is Move.ANSWER else said.move


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 2), ("số 2", 1), ("câu 3 nhé", 0), ("chọn 2 ạ", 1), ("3.", 0), ("②", 1), ("hai", 1), ("thứ ba", 0),
        ("rất hài lòng", 2), ("RẤT HÀI LÒNG", 2), ("rat hai long", 2), ("dạ em rất hài lòng ạ", 2), ("hài lòng", 1),
        ("hai long nha", 1), ("mình thấy hài lòng", 1), ("tốt", 1), ("tot lam", 1), ("rất tốt", 2), ("ổn", 1),
        ("không hài lòng", 0), ("ko hài lòng", 0), ("khong hai long", 0), ("chưa hài lòng ạ", 0), ("thất vọng quá", 0),
        ("tệ", 0), ("quá tốt", 2),
    ],
)  # fmt: skip
def test_numbers_and_words_of_an_option_are_understood(text: str, value: int) -> None:
    assert read(SERVICE, "overall", text) == value


@pytest.mark.parametrize(
    "text",
    [
        "không tốt lắm", "không thật sự hài lòng", "cũng được", "4", "0", "12", "lệ phí bao nhiêu", "con tôi mới sinh",
        "hài lòng với ai", "có hài lòng hay không", "hài lòng hay không hài lòng", "asdf", "?", "", "cháy nhà rồi cứu với", "5 sao",
    ],
)  # fmt: skip
def test_anything_else_is_no_answer(text: str) -> None:
    assert read(SERVICE, "overall", text) is None


@pytest.mark.parametrize("text", ["bỏ qua", "bo qua", "Bỏ qua ạ", "qua câu khác", "không ý kiến", "khong biet", "skip"])
def test_skipping(text: str) -> None:
    assert read(SERVICE, "overall", text) is Move.SKIP


@pytest.mark.parametrize(
    "text", ["thôi", "thoi", "dạ thôi ạ", "thôi nhé", "dừng", "để sau nhé", "không muốn trả lời", "stop"]
)
def test_stopping(text: str) -> None:
    assert read(SERVICE, "overall", text) is Move.STOP


def test_a_word_means_what_it_means_in_its_question() -> None:
    assert read(SERVICE, "contacts", "không") == 2
    assert read(SERVICE, "contacts", "1 lần") == 1
    assert read(SERVICE, "publicity", "không thấy") == 0
    assert read(ANSWER, "useful", "không") == 0
    assert read(ANSWER, "useful", "co") == 1
    assert read(ANSWER, "useful", "ok") == 1
    assert read(SERVICE, "comment", "không") is Move.SKIP


def test_every_option_of_every_instrument_is_understood_by_label_words_number_and_button() -> None:
    for instrument in INSTRUMENTS.values():
        for item in instrument.items:
            scale = instrument.scale_of(item)
            if scale is None or (instrument.id == POLL and not item.short):
                continue
            here = survey(instrument.id, only=item.id, answers=_leading_to(instrument.id, item.id))
            for number, option in enumerate(scale.options, 1):
                for text in (option.label, option.label.lower() + " ạ", str(number), *option.words):
                    said = understood(instrument, here, text)
                    assert said is not None, (instrument.id, item.id, text)
                    assert said.value == option.value, (instrument.id, item.id, text)
            values = [pressed(instrument, button.payload) for button in options_of(instrument, here, item)]
            assert [one.value for one in values if one and one.move is Move.ANSWER] == [o.value for o in scale.options]
            assert all(len(button.payload) < 200 for button in options_of(instrument, here, item))


def _leading_to(name: str, item: str) -> dict[str, object]:
    when = INSTRUMENTS[name].item(item).when  # type: ignore[union-attr]
    return {earlier: values[0] for earlier, values in when.items()}


def go(name: str, *moves: Given) -> Survey:
    here = survey(name)
    for move in moves:
        here = step(INSTRUMENTS[name], here, move)
    return here


def test_all_questions_in_order_and_the_reason_only_where_it_is_wanted() -> None:
    seen, here = [], survey(SERVICE)
    while item := pending(INSTRUMENTS[SERVICE], here):
        seen.append(item.id)
        here = step(INSTRUMENTS[SERVICE], here, Given(item.id, words="lời") if item.free else Given(item.id, value=0))
    assert seen == [*SIX, "reason"]
    assert here.comments == {"reason": "lời"}


def test_skipped_questions_are_not_asked_again() -> None:
    here = go(SERVICE, *(Given(item, Move.SKIP) for item in SIX))
    assert pending(INSTRUMENTS[SERVICE], here).id == "comment"  # type: ignore[union-attr]
    assert here.answers == {}


def test_an_earlier_answer_can_be_changed_and_what_hung_on_it_goes() -> None:
    here = go(ANSWER, Given("useful", value=0), Given("reason", value="incomplete"), Given("comment", words="thiếu"))
    changed = step(INSTRUMENTS[ANSWER], here, Given("useful", value=1))
    assert (changed.answers, changed.comments) == ({"useful": 1}, {})
    assert pending(INSTRUMENTS[ANSWER], changed) is None


def test_the_same_answer_twice_changes_nothing() -> None:
    once = go(SERVICE, Given("contacts", value=1))
    assert step(INSTRUMENTS[SERVICE], once, Given("contacts", value=1)) == once


def test_in_a_chat_only_the_short_poll() -> None:
    here = survey(POLL)
    assert text_of(INSTRUMENTS[POLL], here, pending(INSTRUMENTS[POLL], here)).startswith("Câu 1/5.")  # type: ignore[arg-type]


def test_buttons_of_another_survey_or_made_up_ones_say_nothing() -> None:
    service = INSTRUMENTS[SERVICE]
    button = options_of(service, survey(SERVICE), service.items[0])[0].payload
    assert BUTTON.fullmatch(button)
    assert pressed(INSTRUMENTS[POLL], button) is None
    for text in (
        button.replace('"2"', '"7"'), button.replace("contacts", "nothing"), "/survey_answer", "/survey_answer{}",
        '/survey_answer{"survey": "service", "item": "contacts"}', "/survey_answer{not json}", "1",
    ):  # fmt: skip
        assert pressed(service, text) is None


def test_a_survey_survives_being_written_down() -> None:
    here = go(SERVICE, Given("contacts", value=1), Given("bodies", Move.SKIP))
    assert Survey.from_json(here.to_json()) == here
    said = Given("overall", value=0)
    assert Given.from_json(said.to_json()) == said


# -- interruptions ------------------------------------------------------------------------------


def test_after_an_answered_question_it_is_asked_again_once_and_then_left() -> None:
    here, again = interrupted(survey(SERVICE), "answered", light=False)
    assert again
    seen = []
    for _ in range(4):
        here, again = interrupted(here, "answered", light=False)
        seen.append(again)
    assert seen == [False] * 4
    assert here.quiet


def test_while_another_question_of_ours_waits_words_and_numbers_answer_that() -> None:
    here, again = interrupted(survey(SERVICE), "clarification", light=False)
    assert (here.paused, again) == (True, False)
    assert understood(INSTRUMENTS[SERVICE], here, "2") is None
    here, again = interrupted(here, "dossier_found", light=False)
    assert (here.paused, again) == (False, True)


@pytest.mark.parametrize("status", ["emergency", "error", "handoff", "refused_personal_data"])
def test_nobody_is_pressed_at_a_bad_moment(status: str) -> None:
    assert interrupted(survey(SERVICE), status, light=False) == (survey(SERVICE), False)


def test_a_light_question_is_never_asked_twice() -> None:
    here, again = interrupted(survey(ANSWER), "answered", light=True)
    assert (here.quiet, again) == (True, False)
    assert understood(INSTRUMENTS[ANSWER], here, "có") is None


@given(
    st.lists(st.sampled_from(["answered", "clarification", "emergency", "small_talk", "answer", "skip"]), max_size=30)
)
def test_however_a_talk_goes_no_question_is_asked_a_third_time(events: list[str]) -> None:
    instrument, here = INSTRUMENTS[SERVICE], survey(SERVICE)
    asked: dict[str, int] = {"contacts": 1}
    for event in events:
        item = pending(instrument, here)
        if item is None:
            break
        if event in ("answer", "skip") and not item.free:
            scale = instrument.scale_of(item)
            value = scale.options[0].value if event == "answer" and scale else None
            here = step(instrument, here, Given(item.id, Move.ANSWER if value is not None else Move.SKIP, value))
            if after := pending(instrument, here):
                asked[after.id] = asked.get(after.id, 0) + 1
        else:
            here, again = interrupted(here, event, light=False)
            asked[item.id] += again
    assert max(asked.values()) <= 2


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(text: str) -> None:
    for item in ("overall", "comment"):
        understood(INSTRUMENTS[SERVICE], survey(SERVICE, only=item), text)
    pressed(INSTRUMENTS[SERVICE], f"/survey_answer{{{text}}}")
