"""Text, names, codes, lists and legal texts."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.procedure import ChannelKind, Level
from knowledge.sources.parsing import legal, names
from knowledge.sources.parsing.text import clauses, clean, clean_line, strip_bullets, unwrap


def test_clean() -> None:
    decomposed = unicodedata.normalize("NFD", "Thủ tục")
    assert clean(f"  {decomposed}\u200b\u200e   đăng ký<br>dòng hai ") == "Thủ tục đăng ký\ndòng hai"
    assert clean(None) == clean(3) == ""
    assert clean_line("một\r\n hai") == "một hai"


def test_bullets_leave_numbers_alone() -> None:
    assert strip_bullets("- + a) Tờ khai") == "Tờ khai"
    assert strip_bullets("(1) 1.2. Tờ khai") == "Tờ khai"
    assert strip_bullets("25.000 đồng") == "25.000 đồng"
    assert strip_bullets("01 bản") == "01 bản"


def test_clauses() -> None:
    assert clauses("Một 25.000 đồng; hai. Ba\n- bốn") == ["Một 25.000 đồng", "hai", "Ba", "- bốn"]
    assert clauses("số 11.docx của ông") == ["số 11.docx của ông"]
    assert clauses("mức ở địa phương") == ["mức ở địa phương"]  # small letters with marks are no capitals


def test_unwrap() -> None:
    assert unwrap("((một))") == "một"
    assert unwrap("(một) hai (ba)") == "(một) hai (ba)"


@pytest.mark.parametrize("code", ["1.001193", " 1.014325 ", "2.000635", "1.012753.H19", "1.002835.000.00.00.H56"])
def test_codes(code: str) -> None:
    assert names.read_code(code) == code.strip()


@pytest.mark.parametrize("code", ["1.0133611", "1.014955-Xoa", "2.009182739", "", None, 1.001193])
def test_no_codes(code: object) -> None:
    with pytest.raises(ValueError, match="not a procedure code"):
        names.read_code(code)


def test_capitals_become_sentence_case() -> None:
    assert (
        names.read_name("THỦ TỤC CẤP GIẤY PHÉP SANG LÀO CỦA UBND TỈNH")
        == "Thủ tục cấp giấy phép sang Lào của UBND tỉnh"
    )
    assert names.read_name("Đăng ký  khai sinh ") == "Đăng ký khai sinh"
    assert names.read_name("CẤP GIẤY XÁC NHẬN Ở VIỆT NAM (CẤP XÃ)") == "Cấp giấy xác nhận ở Việt Nam (cấp xã)"


def test_province() -> None:
    assert names.read_province("UBND tỉnh Lai Châu") == "Lai Châu"
    assert names.read_province("UBND Thành phố Hải Phòng") == "Hải Phòng"
    assert names.read_province("Bộ Tư pháp") is None


def test_levels_and_channels() -> None:
    assert names.read_levels(["Cấp tỉnh", "Cấp xã", "cấp lạ"]) == [Level.COMMUNE, Level.PROVINCE]
    assert names.read_channel("Dịch vụ bưu chính") is ChannelKind.POST
    assert names.read_channel("POSTAL") is ChannelKind.POST
    assert names.read_channel("Chim bồ câu") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "không",
        "Không có",
        "Không quy định.",
        "- Không",
        "Không có thông tinTừ khóaKhông có thông tinMô tảKhông có thông tin",
    ],
)
def test_no_conditions(text: str) -> None:
    assert names.read_conditions(text) == []


def test_lists() -> None:
    assert names.split_list("Một; hai;; một\nMột") == ["Một", "hai", "một"]
    assert names.read_steps("Bước 1: nộp hồ sơ Bước 2: nhận kết quả") == ["Bước 1: nộp hồ sơ", "Bước 2: nhận kết quả"]
    assert names.read_results("* Giấy chứng nhận (Mã: `H15-KQ000200`)\n- Văn bản từ chối") == [
        "Giấy chứng nhận",
        "Văn bản từ chối",
    ]


def test_trap_legal_texts_that_ran_together() -> None:
    text = (
        "Tên văn bản pháp lýMã văn bảnNghị định 118/2014/NĐ-CP118/2014/NĐ-CPLuật 54/2014/QH1354/2014/QH13"
        "Sửa đổi Thông tư số 40/2019/TT-BGTVT ngày 15/10/201938/2023/TT-BGTVTQuy trình thu595/QĐ-BHXH"
    )
    pairs, rest = legal.split_table(text)
    assert [number for number, _ in pairs] == ["118/2014/NĐ-CP", "54/2014/QH13", "38/2023/TT-BGTVT", "595/QĐ-BHXH"]
    assert pairs[2][1] == "Sửa đổi Thông tư số 40/2019/TT-BGTVT ngày 15/10/2019"
    assert rest is None


def test_legal_pairs() -> None:
    assert legal.read_pair("Nghị định 101/2024/NĐ-CP", "Nghị định 101/2024/NĐ-CP") == ("101/2024/NĐ-CP", None)
    assert legal.read_pair("112/2021/NĐ-CР", "Luật") == ("112/2021/NĐ-CP", "Luật")  # a Cyrillic letter in the number
    assert legal.read_pair("66.7/2025/NQ-CP", "Nghị quyết") == ("66.7/2025/NQ-CP", "Nghị quyết")
    assert legal.read_pair("", "") is None


numbers = st.tuples(
    st.integers(1, 999),
    st.integers(1990, 2026),
    st.sampled_from(["NĐ-CP", "TT-BTC", "QH15", "QĐ-TTg", "NQ-HĐND", "TTLT-BTC-BCA"]),
).map(lambda parts: f"{parts[0]}/{parts[1]}/{parts[2]}")


@given(st.lists(numbers, min_size=1, max_size=6, unique=True))
def test_any_run_of_legal_texts_splits_back(found: list[str]) -> None:
    text = legal.TABLE_HEAD + "".join(f"Quy định về mức thu{number}" for number in found)
    assert legal.split_table(text) == ([(number, "Quy định về mức thu") for number in found], None)


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(max_size=200))
def test_clauses_lose_no_letters(text: str) -> None:
    kept = "".join(letter for clause in clauses(clean(text)) for letter in clause if letter.isalnum())
    assert kept == "".join(letter for letter in clean(text) if letter.isalnum())
