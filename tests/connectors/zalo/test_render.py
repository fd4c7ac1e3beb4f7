"""Rendering: nothing over a limit, nothing lost, choices always in words."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.replies import Reply, ReplyOption
from connectors.zalo import render
from connectors.zalo.render import BUTTONS, PAYLOAD_LIMIT, PREFIX, TEXT_LIMIT, TITLE_LIMIT
from tests.emulators.zalo import checked

words = st.text(st.sampled_from("ab ấếỗ đĐơ.!?:\n😀👩🏽‍💻ế́🇻🇳"), max_size=6_000)
options = st.lists(
    st.builds(
        ReplyOption,
        label=st.text("abấ ếđ1.\n", min_size=1, max_size=150).filter(str.strip),
        payload=st.text("abấ/{", min_size=1),
    ),
    max_size=8,
)


def reply(text: str, options: list[ReplyOption] | None = None, **more: object) -> Reply:
    return Reply(text=text, status="answered", options=options or [], **more)


def squeezed(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())


@given(words, options)
def test_no_part_is_over_a_limit_and_nothing_is_lost(text: str, options: list[ReplyOption]) -> None:
    parts = render.parts(reply(text, options))
    said = "\n".join(part.text for part in parts)
    for part in parts:
        assert part.text.strip() and len(part.text) <= TEXT_LIMIT and render.length(part.text) <= TEXT_LIMIT
        assert unicodedata.is_normalized("NFC", part.text)
        for style in ("bare", "button"):
            checked(render.message(part, style), style)  # the emulator takes it
    assert squeezed(said).startswith(squeezed(text))
    for option in options:
        assert squeezed(option.label) in squeezed(said)
    assert all(not part.options and not part.sources for part in parts[:-1])
    if parts:
        assert [option.payload for option in parts[-1].options] == [option.payload for option in options]


def test_a_long_answer_is_cut_after_sentences() -> None:
    sentence = "Anh/chị nộp tờ khai đăng ký khai sinh theo mẫu tại UBND cấp xã. "
    first, *_rest, last = render.parts(reply(sentence * 100))
    assert first.text.endswith("xã.") and last.text.endswith("xã.")


def test_counted_as_composed_characters() -> None:
    decomposed = unicodedata.normalize("NFD", "ế" * 1_900)
    (part,) = render.parts(reply(decomposed))
    assert part.text == "ế" * 1_900


SHORTCUTS = [ReplyOption(label="Lệ phí", payload="/ask_fee"), ReplyOption(label="Thời hạn", payload="/ask_time")]


def test_choices_stand_in_the_text_too() -> None:
    (part,) = render.parts(reply("Cần tờ khai.", SHORTCUTS))
    assert part.text == "Cần tờ khai.\n\nAnh/chị nhắn số để chọn:\n1. Lệ phí\n2. Thời hạn"


def test_choices_that_the_text_lists_are_not_listed_twice() -> None:
    text = "Việc nào ạ?\n1. Lệ phí\n2. Thời hạn\nAnh/chị nhắn số thứ tự."
    (part,) = render.parts(reply(text, SHORTCUTS))
    assert part.text == text


def test_a_list_in_the_text_goes_on_with_what_it_lacks() -> None:
    skip = ReplyOption(label="Bỏ qua", payload="/answer_survey")
    text = "Việc nào ạ?\n1. Lệ phí\n2. Thời hạn\nAnh/chị nhắn số."
    (part,) = render.parts(reply(text, [*SHORTCUTS, skip]))
    assert part.text == f"{text}\n\nHoặc nhắn số:\n3. Bỏ qua"
    assert render.is_listed(part.text, part.options), "so that the number 3 is understood"


def test_choices_that_do_not_fit_below_go_into_a_message_of_their_own() -> None:
    first, second = render.parts(reply("a" * 1_990, SHORTCUTS))
    assert first.text == "a" * 1_990
    assert second.text.startswith("Anh/chị nhắn số để chọn:") and second.options == SHORTCUTS


@pytest.mark.parametrize("style", ["bare", "button"])
def test_buttons_in_both_forms(style: str) -> None:
    (part,) = render.parts(reply("Cần tờ khai.", SHORTCUTS, sources=[{"url": "https://dichvucong.gov.vn/x"}]))
    payload = render.message(part, style)["attachment"]["payload"]
    assert payload.get("template_type") == (None if style == "bare" else "button")
    assert [button["type"] for button in payload["buttons"]] == ["oa.query.hide", "oa.query.hide", "oa.open.url"]
    assert payload["buttons"][0] == {"title": "Lệ phí", "type": "oa.query.hide", "payload": "#vg:/ask_fee"}


def test_more_than_five_choices_are_text_only() -> None:
    many = [ReplyOption(label=f"Việc {n}", payload=f"/p{n}") for n in range(BUTTONS + 1)]
    (part,) = render.parts(reply("Việc nào?", many))
    assert "attachment" not in render.message(part, "bare")
    assert "6. Việc 5" in part.text


def test_a_payload_that_is_too_long_makes_no_button() -> None:
    long = [ReplyOption(label="x", payload="p" * (PAYLOAD_LIMIT - len(PREFIX) + 1))]
    assert render.buttons(reply("?", long)) == []
    assert len(render.buttons(reply("?", [ReplyOption(label="x", payload=long[0].payload[1:])]))) == 1


def test_a_long_title_is_shortened_but_whole_in_the_text() -> None:
    label = "Đăng ký lại khai sinh có yếu tố nước ngoài " * 4
    (part,) = render.parts(reply("Việc nào?", [ReplyOption(label=label, payload="/x")]))
    (button,) = render.buttons(part)
    assert len(button["title"]) <= TITLE_LIMIT and button["title"].endswith("…")
    assert label.strip() in part.text


@given(st.text(max_size=50))
def test_a_button_comes_back_as_what_it_stands_for(payload: str) -> None:
    assert render.typed(PREFIX + payload) == payload


def test_plain_texts_stay_plain() -> None:
    assert render.message(reply("Chào."), "bare") == {"text": "Chào."}
    assert render.typed("vg: /ask_fee") == "vg: /ask_fee"


def test_no_text_is_no_message() -> None:
    assert render.parts(reply("  \n ")) == []
    assert not re.search("[\ud800-\udfff]", render.parts(reply("a\ud83d"))[0].text)
