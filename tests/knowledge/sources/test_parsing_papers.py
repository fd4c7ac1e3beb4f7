"""Papers: what a row is, when it is needed, how many, which form; and tables whose cells run together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.procedure import Handling
from knowledge.sources.parsing.papers import (
    TABLE_HEAD,
    ParsedPaper,
    RawPaper,
    is_syllable,
    names_a_paper,
    parse_paper,
    parse_quantity,
    parse_sets,
    read_case,
    read_form,
    split_form,
    split_table,
)


def parsed(name: str, case: str = "", originals: int | None = 1, copies: int | None = 0) -> ParsedPaper:
    paper = parse_paper(RawPaper(name, case, originals, copies))
    assert paper is not None
    return paper


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("2 bản chính, 1 bản sao", (2, 1)),
        ("2 bản chính,1 bản sao", (2, 1)),
        ("01 bản chính", (1, 0)),
        ("1 bản sao", (0, 1)),
        ("Bản chính: 1Bản sao: 0", (1, 0)),
        ("Bản chính: 1 Bản sao: 2", (1, 2)),
        ("", (None, None)),
        ("theo quy định", (None, None)),
    ],
)
def test_quantities(text: str, counts: tuple[int | None, int | None]) -> None:
    assert parse_quantity(text) == counts


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ("Số lượng: 01 bộ", 1),
        ("02 bộ hồ sơ", 2),
        ("01 (một) bộ", 1),
        ("Số lượng hồ sơ: 01 (bộ)", 1),
        ("Bộ Công an", None),
    ],
)
def test_sets(text: str, sets: int | None) -> None:
    assert parse_sets(text) == sets


@pytest.mark.parametrize(
    "heading",
    [
        "* Giấy tờ phải nộp:",
        "Thành phần hồ sơ",
        "01 bộ hồ sơ",
        "a) Thành phần hồ sơ",
        "1) Thành phần hồ sơ, bao gồm:",
        "* Lưu ý :",
        "Giấy tờ phải xuất trình",
        "Thành phần, số lượng hồ sơ",
        "",
    ],
)
def test_headings_that_are_no_case(heading: str) -> None:
    assert read_case(heading)[0] is None
    assert parsed("Tờ khai", heading).case is None


@pytest.mark.parametrize(
    ("heading", "case"),
    [
        ("Trường hợp ủy quyền thực hiện thủ tục", "Ủy quyền thực hiện thủ tục"),
        ("a) Đối với trường hợp cấp lại do bị mất:", "Cấp lại do bị mất"),
        ("1.1. Đối với người lao động nước ngoài là nhà quản lý", "Người lao động nước ngoài là nhà quản lý"),
        ("Đối với công ty cổ phần", "Công ty cổ phần"),
    ],
)
def test_headings_that_are_a_case(heading: str, case: str) -> None:
    assert parsed("Tờ khai", heading).case == case


def test_shown_papers() -> None:
    assert parsed("Thẻ căn cước", "* Giấy tờ phải xuất trình:").handling is Handling.SHOW
    assert parsed("Xuất trình hộ chiếu").handling is Handling.SHOW
    assert parsed("Thẻ căn cước", "* Giấy tờ phải nộp:").handling is Handling.SUBMIT


@pytest.mark.parametrize(
    "row",
    [
        "Lưu ý: người nộp hồ sơ xuất trình giấy tờ",
        "* Lưu ý: Trường hợp trực tiếp nộp hồ sơ thì bổ sung họ tên",
        "- Đối với giấy tờ gửi kèm theo nếu người yêu cầu nộp hồ sơ trực tuyến:",
        "Giấy tờ do cơ quan nước ngoài cấp phải được hợp pháp hóa lãnh sự",
        "Người tiếp nhận có trách nhiệm kiểm tra, đối chiếu",
        "- Chứng cứ chứng minh quan hệ cha, con gồm:",
        "Không quy định",
        "2/ Số lượng hồ sơ: 01 (bộ)",
    ],
)
def test_trap_rows_without_counts_are_notes(row: str) -> None:
    paper = parsed(row, originals=0, copies=0)
    assert paper.handling is Handling.NOTE
    assert paper.leftover is None


@pytest.mark.parametrize(
    "row",
    [
        "- Đơn đề nghị cấp giấy phép",
        "Bản chụp hợp đồng mua bán",
        "b) Hóa đơn thương mại: 01 bản chụp;",
        "+ Bản sao Giấy phép xây dựng",
        "Hồ sơ năng lực",
        "- Một (01) bản sao Giấy chứng nhận",
    ],
)
def test_trap_rows_without_counts_that_plainly_name_a_paper_stay_papers(row: str) -> None:
    paper = parsed(row, originals=0, copies=0)
    assert paper.handling is Handling.SUBMIT
    assert paper.originals is None


def test_counts_in_the_words_of_a_row_without_counts() -> None:
    assert parsed("Hóa đơn thương mại: 01 bản chụp", originals=0, copies=0).copies == 1
    assert parsed("Đơn đề nghị: 02 bản chính", originals=0, copies=0).originals == 2
    assert parsed("Đơn đề nghị: 02 bản chính", originals=1, copies=0).originals == 1  # the table's own count holds


def test_a_row_of_an_unknown_kind_is_left_over() -> None:
    paper = parsed("Hàng hóa", originals=0, copies=0)
    assert (paper.handling, paper.leftover) == (Handling.NOTE, "Hàng hóa")


def test_a_form_makes_a_row_a_paper() -> None:
    paper = parse_paper(RawPaper("Mô tả kỹ thuật", "", 0, 0, [("Mẫu 1.docx", None)]))
    assert paper is not None and paper.handling is Handling.SUBMIT


def test_optional() -> None:
    paper = parsed("Giấy chứng nhận đã cấp (nếu có).")
    assert (paper.name, paper.optional, paper.official_name) == (
        "Giấy chứng nhận đã cấp",
        True,
        "Giấy chứng nhận đã cấp (nếu có).",
    )
    assert not parsed("Tờ khai; giấy tờ miễn giảm (nếu có)").optional  # only the second of two papers is optional


def test_condition_of_one_paper() -> None:
    paper = parsed("- Văn bản ủy quyền (đối với trường hợp ủy quyền).")
    assert (paper.name, paper.case) == ("Văn bản ủy quyền", "Ủy quyền")
    paper = parsed("Trường hợp người nộp là tổ chức thì nộp bản sao quyết định thành lập")
    assert (paper.name, paper.case) == ("Bản sao quyết định thành lập", "Người nộp là tổ chức")
    paper = parsed("Giấy báo tử đối với trường hợp chết tại bệnh viện", "Trường hợp làm lại")
    assert paper.case == "Làm lại; chết tại bệnh viện"


def test_held_by_the_state() -> None:
    held = "Giấy tờ về nơi cư trú. Trường hợp thông tin đã có trong Cơ sở dữ liệu quốc gia thì không phải xuất trình"
    assert parsed(held).held_by_state
    assert not parsed("Giấy tờ chứng minh nơi cư trú").held_by_state


@pytest.mark.parametrize(
    ("name", "rest", "form"),
    [
        ("Đơn đề nghị theo mẫu quy địnhvăn bản đề nghị.docx", "Đơn đề nghị theo mẫu quy định", "văn bản đề nghị.docx"),
        (
            "Phiếu thu nhận (mẫu CC01 của Bộ Công an)Mẫu CC01 Phiếu thu.doc",
            "Phiếu thu nhận (mẫu CC01 của Bộ Công an)",
            "Mẫu CC01 Phiếu thu.doc",
        ),
        ("Bản khai (nếu có);MauBankhai2.docx", "Bản khai (nếu có);", "MauBankhai2.docx"),
        (
            "Bản cáo bạch theo Luật Chứng khoán.Phụ lục số 11.docx",
            "Bản cáo bạch theo Luật Chứng khoán.",
            "Phụ lục số 11.docx",
        ),
        ("Đơn theo Thông tư 73/2025/TT-NHNN.Phụ lục V.docx", "Đơn theo Thông tư 73/2025/TT-NHNN.", "Phụ lục V.docx"),
        (
            "Đề án đóng cửa mỏMau 05-Phu luc_39.2025.TT-X_02.7.doc",
            "Đề án đóng cửa mỏ",
            "Mau 05-Phu luc_39.2025.TT-X_02.7.doc",
        ),
        ("Tờ khai", "Tờ khai", None),
        ("Tờ khai.docx", "Tờ khai.docx", None),
    ],
)
def test_trap_file_names_that_ran_into_the_name(name: str, rest: str, form: str | None) -> None:
    assert split_form(name) == (rest, form)


def test_forms() -> None:
    assert read_form("[Mẫu số 03.docx](file:///C:/Users/somebody/M%E1%BA%ABu.docx)") == ("Mẫu số 03.docx", None)
    assert read_form("[Mẫu 1](https://example.gov.vn/1.docx)") == ("Mẫu 1", "https://example.gov.vn/1.docx")
    assert read_form("D:\\project\\forms\\Mẫu DC02.pdf") == ("Mẫu DC02.pdf", None)
    assert read_form("") is None


def test_syllables() -> None:
    assert all(is_syllable(word) for word in ["định", "văn", "nghiêng", "quyết", "khuỷu", "ơi", "giường"])
    assert not any(is_syllable(word) for word in ["địnhvăn", "docx", "phẩmđơn"])


def rows(text: str) -> list[tuple[str, str, int | None, int | None]]:
    return [(row.case, row.name, row.originals, row.copies) for row in split_table(text)[0]]


def test_table_with_cells_run_together() -> None:
    text = (
        f"* Giấy tờ phải nộp:{TABLE_HEAD}Bản sao giấy tờ cũ.0 bản chính,1 bản sao--{TABLE_HEAD}"
        "Tờ khai (mẫu 01)Mau 01.doc1 bản chínhẢnh 4x62 bản chính"
    )
    assert rows(text)[:2] == [("* Giấy tờ phải nộp:", "Bản sao giấy tờ cũ.", 0, 1), ("", "Tờ khai (mẫu 01)", 1, 0)]
    assert split_table(text)[0][1].forms == [("Mau 01.doc", None)]


def test_trap_digits_of_the_name_in_front_of_the_count() -> None:
    assert rows(f"--{TABLE_HEAD}Đơn theo Thông tư ngày 01/01/20261 bản chính,1 bản sao") == [
        ("", "Đơn theo Thông tư ngày 01/01/2026", 1, 1)
    ]
    assert rows(f"--{TABLE_HEAD}Đơn theo Mẫu số 31 bản chính") == [("", "Đơn theo Mẫu số 3", 1, 0)]
    crawled = parse_paper(RawPaper("Đơn ngày 01/01/", "", 20261, 1))
    assert crawled is not None and (crawled.name, crawled.originals) == ("Đơn ngày 01/01/2026", 1)


def test_trap_a_count_inside_a_name_is_no_cell() -> None:
    cells = "Người khai nộp 02 bản chính tờ khai theo mẫu2 bản chínhHợp đồng (01 bản chính để đối chiếu)1 bản chính"
    text = f"--{TABLE_HEAD}{cells}"
    assert rows(text) == [
        ("", "Người khai nộp 02 bản chính tờ khai theo mẫu", 2, 0),
        ("", "Hợp đồng (01 bản chính để đối chiếu)", 1, 0),
    ]


def test_text_that_is_no_table_is_left_over() -> None:
    assert split_table("Bước 2. Cơ quan tiếp nhận hồ sơ") == ([], "Bước 2. Cơ quan tiếp nhận hồ sơ")
    found, rest = split_table(f"--{TABLE_HEAD}Tờ khai1 bản chínhTại Bước 7: +")
    assert (len(found), rest) == (1, "Tại Bước 7: +")


SYLLABLES = ["đơn", "tờ", "khai", "giấy", "mẫu", "số", "bản", "sao", "quyết", "định", "của", "ông", "bà"]
words = st.lists(st.sampled_from(SYLLABLES), min_size=1, max_size=8).map(" ".join)


def _row(name: str, originals: int, copies: int) -> str:
    return f"{name.capitalize()}.{originals} bản chính" + (f",{copies} bản sao" if copies else "")


@given(st.lists(st.tuples(words, st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=6))
def test_any_table_of_plain_rows_splits_back(table: list[tuple[str, int, int]]) -> None:
    cells = "".join(_row(*row) for row in table)
    expected = [("", f"{name.capitalize()}.", first, second) for name, first, second in table]
    assert rows(f"--{TABLE_HEAD}{cells}") == expected


@given(
    st.text(max_size=120), st.text(max_size=60), st.integers(0, 99999) | st.none(), st.integers(0, 99999) | st.none()
)
def test_any_row_reads_and_keeps_its_text(name: str, case: str, originals: int | None, copies: int | None) -> None:
    paper = parse_paper(RawPaper(name, case, originals, copies))
    if paper is not None:
        assert paper.name
        assert paper.originals is None or paper.originals <= 999


def test_the_rule_for_rows_without_counts() -> None:
    assert names_a_paper("Đơn đề nghị")
    assert not names_a_paper("Đơn đề nghị gồm:")
    assert not names_a_paper("Đơn đề nghị phải được ký")
