"""The talk about procedures, on the real starter catalogue with the real index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actions.procedures import Message, ProcedureTalk, Talk
from actions.replies import Reply
from knowledge.catalogue import Catalogue
from knowledge.procedure import Procedure
from knowledge.search.engine import SearchEngine, rebuild
from knowledge.settings import Settings

BIRTH, DEATH = "1.001193", "1.000656"


def say(talk: ProcedureTalk, state: Talk, text: str, intent: str = "", **more: object) -> tuple[Reply, Talk]:
    return talk.respond(Message(text, intent, **more), state)  # type: ignore[arg-type]


def test_a_life_situation_with_a_field_is_answered(talk: ProcedureTalk) -> None:
    reply, state = say(talk, Talk(), "con tôi mới sinh cần giấy tờ gì")
    assert (reply.status, reply.procedure_code, reply.fields) == ("answered", BIRTH, ["documents"])
    assert "Giấy chứng sinh" in reply.text
    assert "Nguồn:" in reply.text
    assert state.procedure_code == BIRTH


def test_follow_ups_do_not_name_the_procedure(talk: ProcedureTalk) -> None:
    _reply, state = say(talk, Talk(), "con tôi mới sinh cần giấy tờ gì")
    reply, state = say(talk, state, "the le phi bao nhieu")
    assert (reply.procedure_code, reply.fields) == (BIRTH, ["fee"])
    reply, state = say(talk, state, "nộp online được không")
    assert (reply.procedure_code, reply.fields, reply.status) == (BIRTH, ["method"], "answered")
    assert "trực tuyến" in reply.text


def test_several_kinds_in_one_message_are_answered_together(talk: ProcedureTalk) -> None:
    reply, _state = say(talk, Talk(procedure_code=BIRTH), "cần giấy tờ gì và lệ phí bao nhiêu")
    assert reply.fields == ["documents", "fee"]


def test_a_correction_keeps_the_asked_field(talk: ProcedureTalk) -> None:
    _reply, state = say(talk, Talk(), "làm giấy khai sinh cho con cần giấy tờ gì")
    reply, state = say(talk, state, "à không, ý em là khai tử", "correct")
    assert (reply.procedure_code, reply.fields) == (DEATH, ["documents"])
    reply, state = say(talk, state, "quay lại cái trước", "go_back")
    assert reply.procedure_code == BIRTH


def test_a_correction_without_a_topic_asks(talk: ProcedureTalk) -> None:
    reply, state = say(talk, Talk(procedure_code=BIRTH), "không phải cái đó", "correct")
    assert reply.status == "clarification"
    assert state.procedure_code is None


@pytest.mark.parametrize("pick", ["2", "số 2", "cái thứ hai", "chọn 2 nhé", "/choose_option"])
def test_an_offered_option_is_chosen(talk: ProcedureTalk, pick: str) -> None:
    state = Talk(options=[BIRTH, DEATH], fields=["fee"])
    message = {"choice": DEATH} if pick.startswith("/") else {}
    reply, state = say(talk, state, "" if message else pick, "choose_option", **message)
    assert (reply.procedure_code, reply.fields) == (DEATH, ["fee"])
    reply, _state = say(talk, state, "cái đầu tiên", "choose_option")
    assert reply.procedure_code == BIRTH


def test_an_option_is_chosen_by_its_name_or_as_the_last(talk: ProcedureTalk) -> None:
    state = Talk(options=[BIRTH, DEATH])
    assert say(talk, state, "khai tử")[0].procedure_code == DEATH
    assert say(talk, state, "cái cuối", "choose_option", ordinal=-1)[0].procedure_code == DEATH


def test_another_procedure_is_not_taken_for_an_offered_one(talk: ProcedureTalk) -> None:
    offered = Talk(options=["1.000689", BIRTH, "1.003583"])
    reply, _state = say(talk, offered, "đăng ký kết hôn cần gì")
    assert reply.procedure_code in ("1.000894", None)


def test_a_number_without_options_asks_what_is_meant(talk: ProcedureTalk) -> None:
    assert say(talk, Talk(), "số 2", "choose_option")[0].status == "clarification"


def test_more_shows_the_next_page_and_stops_at_the_last(talk: ProcedureTalk) -> None:
    reply, state = say(talk, Talk(), "đăng ký thường trú cần giấy tờ gì")
    assert "xem tiếp" in reply.text
    after, state = say(talk, state, "xem tiếp", "more")
    assert after.text != reply.text
    assert state.page == 2
    for _ in range(20):
        after, state = say(talk, state, "xem tiếp", "more")
    assert "xem tiếp" not in after.text


def test_a_question_without_any_procedure_asks_for_it(talk: ProcedureTalk) -> None:
    reply, state = say(talk, Talk(), "lệ phí bao nhiêu vậy ạ")
    assert reply.status == "clarification"
    assert state.fields == ["fee"]


def test_nothing_that_fits_is_not_answered(talk: ProcedureTalk) -> None:
    reply, _state = say(talk, Talk(), "tỉ số trận bóng đá tối qua giữa hai đội tuyển là mấy")
    assert reply.status == "no_such_procedure"
    assert reply.procedure_code is None


def test_a_code_is_answered_directly(talk: ProcedureTalk) -> None:
    assert say(talk, Talk(), f"thủ tục {DEATH} mất mấy ngày")[0].procedure_code == DEATH


def test_options_carry_payloads_that_rasa_understands(talk: ProcedureTalk) -> None:
    reply, _state = say(talk, Talk(procedure_code=BIRTH), "lệ phí bao nhiêu")
    assert {o.payload for o in reply.options} >= {"/ask_documents", "/ask_time"}
    clarifying = talk._options_reply("?", [BIRTH], ["x"], [])
    assert json.loads(clarifying.options[0].payload.removeprefix("/choose_option")) == {"choice": BIRTH}


def test_unknown_and_retired_codes_are_said_to_be_gone(talk: ProcedureTalk) -> None:
    reply, _state = say(talk, Talk(), "", "choose_option", choice="9.999999")
    assert reply.status == "no_such_procedure"


@pytest.mark.parametrize(
    "text", ["", "?", "😀😀", "a" * 10_000, "<script>alert(1)</script>", "\x00\x01", "what is this", "你好"]
)
def test_any_text_gets_a_reply(talk: ProcedureTalk, text: str) -> None:
    reply, _state = say(talk, Talk(), text)
    assert reply.text


def test_yes_and_no_depend_on_what_was_offered(talk: ProcedureTalk) -> None:
    offered = Talk(options=[BIRTH, DEATH])
    assert say(talk, offered, "đúng rồi", "affirm")[0].status == "clarification"
    reply, after = say(talk, offered, "không phải", "deny")
    assert (reply.status, after.options) == ("clarification", [])
    assert say(talk, Talk(), "vâng", "affirm")[0].status == "small_talk"


@pytest.fixture
def provincial_talk(tmp_path: Path) -> ProcedureTalk:
    """A catalogue in which the nation and three provinces have a record of one procedure."""
    settings = Settings(home=tmp_path)
    name = "Hỗ trợ tiền ăn trưa cho trẻ mẫu giáo"
    catalogue = Catalogue.open(settings)
    records = [Procedure(code=f"1.00000{i}", name=name, province=province) for i, province in enumerate(PROVINCES)]
    catalogue.import_records("a", "office", records)
    rebuild(settings)
    return ProcedureTalk(catalogue, SearchEngine.open(settings), settings)


PROVINCES = ("", "Đắk Lắk", "Huế", "Gia Lai")
OFFERED = Talk(options=["1.000000", "1.000001", "1.000002"], fields=["fee"])


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Đắk Lắk", "1.000001"),
        ("em ở dak lak ạ", "1.000001"),
        ("buon ma thuot", "1.000001"),
        ("tỉnh Phú Yên cũ", "1.000001"),
        ("hue", "1.000002"),
        ("phường Thuận Hóa", "1.000002"),
        ("Quy Nhơn", "1.000003"),  # not among the options, but that province has its own record
        ("Hà Nội", "1.000000"),  # has none of its own
        ("nơi khác", "1.000000"),
        ("cả nước", "1.000000"),
    ],
)
def test_a_place_chooses_the_record_of_its_province(provincial_talk: ProcedureTalk, typed: str, code: str) -> None:
    reply, _state = say(provincial_talk, OFFERED, typed)
    assert (reply.procedure_code, reply.fields) == (code, ["fee"])


@pytest.mark.parametrize("typed", ["xã Tân Tiến", "thuê xe ở Huế đi Đắk Lắk du lịch"])
def test_a_place_that_is_no_choice_chooses_nothing(provincial_talk: ProcedureTalk, typed: str) -> None:
    assert provincial_talk._chosen_by_place(typed, OFFERED) is None


def test_a_place_chooses_nothing_among_options_of_the_whole_country(talk: ProcedureTalk) -> None:
    assert talk._chosen_by_place("Hà Nội", Talk(options=[BIRTH, DEATH])) is None
