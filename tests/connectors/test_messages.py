"""Cutting texts: nothing lost, nothing too long, at the best place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.messages import Incoming, sender_of, split

TEXT = st.text(alphabet=st.sampled_from("abà. \n!?…:;1"), max_size=400)


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@given(TEXT, st.integers(1, 60), st.sampled_from([len, utf16]))
def test_nothing_is_lost_and_no_piece_is_too_long(text: str, limit: int, length) -> None:  # type: ignore[no-untyped-def]
    pieces = split(text, limit, length)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(length(piece) <= limit for piece in pieces)


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("Câu một. Câu hai dài hơn", 14, ["Câu một.", "Câu hai dài", "hơn"]),
        ("Câu một. Câu hai. Câu ba.", 18, ["Câu một. Câu hai.", "Câu ba."]),
        ("Dòng một\nDòng hai dài", 16, ["Dòng một", "Dòng hai dài"]),
        ("aaaa bbbb", 4, ["aaaa", "bbbb"]),
        ("aaaaaaaa", 3, ["aaa", "aaa", "aa"]),
        ("", 5, [""]),
        ("😀😀😀", 4, ["😀😀", "😀"]),
    ],
)
def test_it_is_cut_after_lines_and_sentences(text: str, limit: int, pieces: list[str]) -> None:
    assert split(text, limit, utf16) == pieces


def test_a_limit_must_be_positive() -> None:
    with pytest.raises(ValueError):
        split("a", 0)


def test_a_conversations_id_leads_back_to_the_sender() -> None:
    assert sender_of(Incoming("telegram", "-100.7", "1", "chào").conversation) == "-100.7"
