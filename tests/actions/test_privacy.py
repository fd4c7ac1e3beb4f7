from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.privacy import mask, without_marks


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("cccd của em là 079203001234", ("id",)),
        ("số 0792 0300 1234", ("id",)),
        ("079 203 001 234", ("id",)),
        ("cmnd 023456789", ("id",)),
        ("gọi 0912345678 nhé", ("phone",)),
        ("gọi +84 912 345 678", ("phone",)),
        ("hộ chiếu B12345678", ("id",)),
        ("mã 1.001193 với 1.012753.H19", ()),
        ("hồ sơ H57.17.26-231114-0002 và G22.99-251225-020175", ()),
        ("phí 150.000.000 đồng", ()),
        ("nghị định 123/2015/NĐ-CP ngày 15/11/2015", ()),
    ],
)
def test_kinds(text: str, kinds: tuple[str, ...]) -> None:
    masked = mask(text)
    assert masked.kinds == kinds
    if not kinds:
        assert masked.text == text


@given(st.from_regex(r"0\d{11}", fullmatch=True), st.text("abc xyzđăê ", max_size=30))
def test_no_citizen_number_survives(number: str, around: str) -> None:
    assert number not in mask(f"{around} {number} {around}").text


@given(st.text(max_size=300))
def test_any_text_is_accepted(text: str) -> None:
    mask(text)


def test_a_masked_text_can_be_searched_without_the_marks() -> None:
    assert without_marks(mask("cccd 079203001234 hết hạn, gọi 0912345678").text) == "cccd hết hạn, gọi"
