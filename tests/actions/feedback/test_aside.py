"""Free words told from questions, wishes and cries for help."""

from __future__ import annotations

import pytest

from actions.feedback.aside import is_aside, says_something


def procedures(text: str) -> bool:
    """Stands in for the search."""
    return "khai sinh" in text or "mới sinh" in text


@pytest.mark.parametrize(
    "text",
    [
        "lệ phí khai sinh bao nhiêu", "con tôi mới sinh", "con tôi mới sinh cần giấy tờ gì", "cho em hỏi làm căn cước ở đâu",
        "cháy nhà rồi cứu với", "gặp cán bộ", "H57.17.26-261117-0004", "tra hồ sơ", "hồ sơ của tôi xong chưa", "đăng ký khai sinh?",
    ],
)  # fmt: skip
def test_something_else(text: str) -> None:
    assert is_aside(text, procedures)


@pytest.mark.parametrize(
    "text",
    [
        "nên có thêm ghế ngồi", "cán bộ hướng dẫn khai sinh chậm", "thái độ kém", "khai sinh cho con tôi chờ lâu quá",
        "tôi gặp cán bộ ba lần đều bị hẹn lại, hồ sơ vẫn chưa xong mà không ai giải thích",
        "hồ sơ H57.17.26-261117-0004 của tôi để cả tháng không ai gọi, tôi rất buồn", "ok", "tốt",
        "bắt tôi đi lại bao nhiêu lần vì thiếu giấy mà không nói hết một lần cho xong",
    ],
)  # fmt: skip
def test_free_words(text: str) -> None:
    assert not is_aside(text, procedures)


def test_a_second_time_the_search_is_not_asked() -> None:
    assert is_aside("con tôi mới sinh", procedures)
    assert not is_aside("con tôi mới sinh", procedures, again=True)
    assert is_aside("con tôi mới sinh cần giấy tờ gì", procedures, again=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tôi muốn góp ý", False), ("góp ý về thái độ phục vụ", False), ("gop y cho phuong", False), ("cho em góp ý ạ", False),
        ("đề nghị lắp thêm quạt ở phòng chờ", True), ("góp ý: nên mở cửa sớm hơn", True),
        ("xin góp ý cho trợ lý ảo trả lời ngắn gọn hơn", True),
    ],
)  # fmt: skip
def test_a_wish_and_an_opinion(text: str, says: bool) -> None:
    assert says_something(text) is says
