from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.text import MAX_LENGTH, clean, fold, has_accents, normalize, tokens


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("lm cccd ở đâu v ạ", "làm căn cước công dân ở đâu vậy ạ"),
        ("CCCD/CMND", "căn cước công dân/chứng minh nhân dân"),
        ("HK cho bé, đc koooo?", "hộ khẩu cho bé, được không?"),
        ("giấy khai sinh ơiiiii", "giấy khai sinh ơi"),
        ("Giấy  <b>khai</b>\u0000 sinh", "Giấy khai sinh"),
        ("chương III", "chương III"),
        (unicodedata.normalize("NFD", "kết hôn"), "kết hôn"),
        ("&lt;script&gt;alert(1)&lt;/script&gt; khai tử", "alert(1) khai tử"),
        ("ddanwg kys khai sinh", "đăng ký khai sinh"),
        ("giaasy chuwngs nhaanj quyeenf suwr dungj ddaats", "giấy chứng nhận quyền sử dụng đất"),
        ("d9a8ng ky1 ke61t ho6n", "đăng ký kết hôn"),
        ("bằng lái A1 và KT3", "bằng lái A1 và KT3"),
        ("facebook và zalo online", "facebook và zalo online"),
        ("", ""),
        ("😀 khai sinh 👶", "😀 khai sinh 👶"),
    ],
)
def test_normalize(typed: str, understood: str) -> None:
    assert normalize(typed) == understood


def test_fold_removes_accents_and_case() -> None:
    assert fold("Giấy khai sinh Đà Nẵng") == "giay khai sinh da nang"


def test_a_long_message_is_cut_between_words() -> None:
    cut = clean("khai sinh " * 2_000)
    assert len(cut) <= MAX_LENGTH
    assert cut.endswith(("khai", "sinh"))


@given(st.text(max_size=400))
def test_any_text_becomes_clean_and_stays_so(text: str) -> None:
    once = clean(text)
    assert once == unicodedata.normalize("NFC", once)
    assert not any(unicodedata.category(c)[0] == "C" for c in once)
    assert once == once.strip()


@given(st.text(max_size=200))
def test_folding_is_stable_and_has_no_accents(text: str) -> None:
    folded = fold(clean(text))
    assert fold(folded) == folded
    assert "đ" not in folded


@given(st.text(alphabet="aăâeêioôơuưyđàáảãạ bcdghklmnpqrstvx", max_size=80))
def test_tokens_fold_to_the_folded_text(text: str) -> None:
    assert [fold(word) for word in tokens(text)] == tokens(fold(text))


def test_has_accents() -> None:
    assert has_accents("khai tử")
    assert not has_accents("Khai tu")
