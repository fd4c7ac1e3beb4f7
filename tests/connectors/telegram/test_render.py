"""How replies look: valid HTML, nothing lost, never too long as Telegram counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.replies import Reply, ReplyOption
from connectors.telegram.render import MAX_TEXT, keyboard, length, markup, parts
from tests.emulators.telegram import parse_html, utf16

_WORDS = st.text(st.characters(exclude_categories=["Cc"]), max_size=60)
_TEXTS = st.one_of(
    st.text(max_size=400),
    st.lists(_WORDS, max_size=60).map("\n".join),
    st.lists(st.sampled_from(["Giấy khai sinh.", "<b>", "&amp;", "👶🏽", "a < b & c", "\n", "x" * 500, "\ud800"]), max_size=60)
    .map(" ".join),
)  # fmt: skip


def squeezed(text: str) -> str:
    """Without blanks, which are lost where a text is cut, and without what no channel can carry."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join(c for c in text if not c.isspace() and (c >= " " or c in "\n\t"))


@given(_TEXTS, st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost_and_every_part_fits(text: str, count: int) -> None:
    options = [ReplyOption(label=f"Việc {n}", payload=str(n)) for n in range(count)]
    card = {"title": text.split("\n", maxsplit=1)[0][:50], "parts": [{"title": "Lệ phí"}]}
    cut = parts(Reply(text=text, status="answered", options=options, card=card))
    shown = [parse_html(markup(part))[0] for part in cut]
    if squeezed(text):
        assert "".join(map(squeezed, shown)) == squeezed(text)
    assert all(0 < utf16(plain) <= MAX_TEXT for plain in shown)
    assert [part.options for part in cut[:-1]] == [[]] * len(cut[:-1])
    assert bool(cut) == bool(squeezed(text) or options)
    assert not cut or cut[-1].options == options


def test_a_long_text_is_counted_as_telegram_counts() -> None:
    assert length("👶") == 2
    cut = parts(Reply(text="👶" * 3000, status="answered"))
    assert [utf16(part.text) for part in cut] == [4096, 1904]


def test_a_long_text_is_cut_after_a_sentence() -> None:
    sentence = "Anh/chị nộp hồ sơ tại bộ phận một cửa của xã nơi cư trú."
    cut = parts(Reply(text=" ".join([sentence] * 200), status="answered"))
    assert len(cut) > 1
    assert all(part.text.endswith("cư trú.") for part in cut)


def test_headings_are_bold_and_text_is_escaped() -> None:
    reply = Reply(
        text="Đăng ký khai sinh (mã 1.001193)\nLệ phí:\nMiễn phí <mọi> người & trẻ em\nThời hạn: 1 ngày",
        status="answered",
        card={"title": "Đăng ký khai sinh", "parts": [{"title": "Lệ phí"}, {"title": "Thời hạn"}]},
    )
    assert markup(reply) == (
        "<b>Đăng ký khai sinh (mã 1.001193)</b>\n<b>Lệ phí:</b>\n"
        "Miễn phí &lt;mọi&gt; người &amp; trẻ em\nThời hạn: 1 ngày"
    )


def test_a_text_without_a_card_has_no_heading() -> None:
    assert "<b>" not in markup(Reply(text="Xin chào\nLệ phí:", status="small_talk"))


def test_a_source_is_a_link() -> None:
    url = 'https://dichvucong.gov.vn/p?a=1&b="2"'
    line = f"Nguồn: Cổng <quốc gia>; Quyết định 1; {url}"
    reply = Reply(text=f"Có.\n{line}", status="answered", sources=[{"line": line, "url": url, "name": "Cổng"}])
    plain, entities = parse_html(markup(reply))
    assert plain == "Có.\nNguồn: Cổng <quốc gia>; Quyết định 1"
    assert [entity["url"] for entity in entities] == [url]


def test_only_web_addresses_become_links() -> None:
    line = "Nguồn: x; javascript:alert(1)"
    source = {"line": line, "url": "javascript:alert(1)", "name": "x"}
    assert "<a" not in markup(Reply(text=line, status="answered", sources=[source]))


@given(st.lists(st.text(max_size=120), min_size=1, max_size=8))
def test_buttons_stand_one_below_the_other_with_words_on_them(labels: list[str]) -> None:
    options = [ReplyOption(label=label, payload="x") for label in labels]
    made = keyboard(options, ["=x"] * len(labels), "")
    assert made
    assert [len(row) for row in made.inline_keyboard] == [1] * len(labels)
    assert all(0 < len(row[0].text) <= 60 for row in made.inline_keyboard)


def test_a_listed_choice_has_its_number_on_the_button() -> None:
    long = "Đăng ký khai sinh cho người đã có hồ sơ, giấy tờ cá nhân tại xã, phường nơi cư trú"
    made = keyboard([ReplyOption(label=long, payload="x")], ["=x"], f"Việc nào ạ?\n1. {long}")
    assert made
    label = made.inline_keyboard[0][0].text
    assert label.startswith("1. Đăng ký khai sinh") and label.endswith("…")


def test_no_options_no_buttons() -> None:
    assert keyboard([], [], "") is None


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_reply_is_no_message(text: str) -> None:
    assert parts(Reply(text=text, status="answered")) == []
