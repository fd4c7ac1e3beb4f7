"""Which facts a message asks for, and what is left of it for the search."""

from __future__ import annotations

import gzip
import json
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge import fields
from knowledge.fields import FIELDS, asked_fields, strip_fields
from knowledge.text import fold, normalize

ASKED = {
    "con tôi mới sinh cần giấy tờ gì": ["documents"],
    "hồ sơ xin xác nhận độc thân gồm những gì": ["documents"],
    "phải mang theo những gì": ["documents"],
    "có cần mang sổ hộ khẩu không": ["documents"],
    "lệ phí đăng ký kết hôn bao nhiêu": ["fee"],
    "có mất tiền không": ["fee"],
    "làm căn cước hết bao nhiêu tiền": ["fee"],
    "mất mấy ngày": ["time"],
    "bao lâu thì xong": ["time"],
    "khi nào lấy được": ["time"],
    "làm khai sinh cho con ở đâu": ["place"],
    "đăng ký kết hôn thì ra xã hay phải lên tỉnh": ["place"],
    "nộp online được không": ["method"],
    "nhờ người khác làm thay được không": ["method"],
    "gửi bưu điện được không": ["method"],
    "mẫu đơn xin xác nhận độc thân tải ở đâu": ["form"],
    "tờ khai điền thế nào": ["form"],
    "điều kiện nhập hộ khẩu là gì": ["conditions"],
    "ai được hưởng trợ cấp người cao tuổi": ["conditions"],
    "bao nhiêu tuổi thì được làm căn cước": ["conditions"],
    "làm xong được cấp cái gì": ["result"],
    "giấy xác nhận độc thân có giá trị mấy tháng": ["result"],
    "trợ cấp người cao tuổi được bao nhiêu một tháng": ["result"],
    "căn cứ luật nào": ["legal"],
    "theo nghị định số mấy": ["legal"],
    "thủ tục làm sổ đỏ lần đầu như thế nào": ["overview"],
    "vợ em mới sinh": [],
    "tôi muốn đăng ký tạm trú": [],
    # several facts, in the order of the message
    "cần giấy tờ gì và lệ phí bao nhiêu": ["documents", "fee"],
    "lệ phí bao nhiêu, cần giấy tờ gì": ["fee", "documents"],
    "nộp ở đâu và bao lâu có": ["place", "time"],
    "hồ sơ, lệ phí và thời gian cấp lại giấy khai sinh?": ["documents", "fee", "time"],
    "làm thế nào, cần giấy tờ gì": ["documents"],
    # words of a question inside the name of a thing
    "lệ phí trước bạ": [],
    "cấp giấy chứng nhận đủ điều kiện an toàn thực phẩm": [],
    "hỗ trợ chi phí mai táng": [],
    "lấy mẫu máu": [],
    "": [],
}
SLANG = {
    "bn tiền": ["fee"],
    "hết nhiu tiền v": ["fee"],
    "bao lau xong": ["time"],
    "mất bn ngày": ["time"],
    "can giay to j": ["documents"],
    "the le phi bao nhieu": ["fee"],
    "nop online dc k": ["method"],
    "nop o dau v ad": ["place"],
    "nộp ở mô rứa": ["place"],
    "nop o dâu": ["place"],
    "lam xong dc j": ["result"],
}
STRIPPED = {
    "con tôi mới sinh cần giấy tờ gì": "con tôi mới sinh",
    "làm khai sinh cho con ở đâu": "khai sinh cho con",
    "lệ phí bao nhiêu": "",
    "thế nộp ở đâu vậy ạ": "",
    "thủ tục đăng ký kết hôn có yếu tố nước ngoài": "thủ tục đăng ký kết hôn có yếu tố nước ngoài",
    "lệ phí trước bạ xe máy bao nhiêu tiền": "lệ phí trước bạ xe máy",
    "vợ em mới sinh": "vợ em mới sinh",
}

WORDS = sorted({word for rule in [*ASKED, *SLANG] for word in rule.split()})
messages = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))


@pytest.mark.parametrize(("text", "wanted"), (ASKED | SLANG).items())
def test_asked_fields(text: str, wanted: list[str]) -> None:
    assert asked_fields(text) == wanted


@pytest.mark.parametrize(("text", "wanted"), ASKED.items())
def test_accents_do_not_matter(text: str, wanted: list[str]) -> None:
    for typed in (fold(text), unicodedata.normalize("NFD", text), text.upper(), text + "???"):
        if typed.isascii() and "mẫu máu" in text:
            continue  # "mau mau" may as well be a form
        assert asked_fields(typed) == wanted


@pytest.mark.parametrize(("text", "rest"), STRIPPED.items())
def test_strip_fields(text: str, rest: str) -> None:
    assert strip_fields(text) == rest


@given(messages)
@example("\u200b\x00")
@example("cần cần giấy tờ gì giấy tờ gì gì")
def test_asked_fields_are_known_and_not_repeated(text: str) -> None:
    found = asked_fields(text)
    assert set(found) <= set(FIELDS)
    assert len(found) == len(set(found))
    assert asked_fields(text) == found


@given(messages)
def test_the_rest_is_made_of_words_of_the_message(text: str) -> None:
    words = normalize(text).lower().split() and fields._split(normalize(text))
    assert all(word in words for word in strip_fields(text).split())


@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
def test_the_rest_asks_for_nothing(text: str) -> None:
    rest = strip_fields(text)
    assert asked_fields(rest) == []
    assert strip_fields(rest) == rest


@given(st.sampled_from(sorted(ASKED)), st.sampled_from(sorted(ASKED)))
def test_two_sentences_ask_for_what_either_asks(one: str, other: str) -> None:
    both = set(asked_fields(f"{one}. {other}")) - {"overview"}
    assert both == (set(ASKED[one]) | set(ASKED[other])) - {"overview"}


def test_a_long_message_is_quick() -> None:
    asked_fields("")  # reads the rules
    text = "tôi muốn hỏi có phải nộp giấy tờ gì ở đâu không " * 200
    start = time.perf_counter()
    asked_fields(text)
    assert time.perf_counter() - start < 1.0


def test_every_rule_needs_a_word() -> None:
    for rule in fields._data().rules:
        assert rule.needed, rule.pattern.pattern
        assert rule.field is None or rule.field in FIELDS


def test_every_rule_is_written_once() -> None:
    raw = json.loads(Path(fields.__file__).with_name("fields.json").read_text(encoding="utf-8"))
    for block in raw["rules"]:
        assert len(block["words"]) == len(set(block["words"])), block["field"]


@pytest.mark.national
def test_names_of_procedures_ask_for_nothing(shared: Path) -> None:
    with gzip.open(shared / "data" / "catalogue" / "national-2026-07.jsonl.gz", "rt", encoding="utf-8") as file:
        names = [json.loads(line)["name"] for line in file]
    asking = [name for name in names if asked_fields(name)]
    assert len(asking) / len(names) < 0.02, asking[:20]


def test_politeness_carries_no_topic() -> None:
    assert fields.content_words("dạ cho em hỏi với ạ") == []
    assert fields.content_words("thủ tục khai sinh") == ["khai", "sinh"]
