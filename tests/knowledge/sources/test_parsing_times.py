"""Time limits: cells, remarks, and the times of cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.procedure import TimeStatus, TimeUnit
from knowledge.sources.parsing.times import from_case_times, parse_cell, parse_channel_time, parse_remark

DAY, WORKING_DAY = TimeUnit.DAY, TimeUnit.WORKING_DAY


@pytest.mark.parametrize(
    ("time", "unit", "quantity", "known"),
    [
        ("3", "Ngày làm việc", 3, WORKING_DAY),
        ("07 Ngày làm việc", "", 7, WORKING_DAY),
        ("03", "ngày", 3, DAY),
        ("7.5", "Ngày làm việc", 7.5, WORKING_DAY),
        ("7,5", "ngày", 7.5, DAY),
        ("8", "Giờ", 8, TimeUnit.HOUR),
        ("4", "Giờ làm việc", 4, TimeUnit.WORKING_HOUR),
        ("2", "Tháng", 2, TimeUnit.MONTH),
        ("Không quá 03 ngày làm việc", "", 3, WORKING_DAY),
        ("1100", "Ngày", 1100, DAY),  # an outlier stays as it is; lint reports it
    ],
)
def test_cells(time: str, unit: str, quantity: float, known: TimeUnit) -> None:
    cell = parse_cell(time, unit)
    assert cell is not None
    assert (cell.status, cell.quantity, cell.unit) == (TimeStatus.STATED, quantity, known)


@pytest.mark.parametrize("unit", ["", "N/A", "Không quy định"])
def test_trap_a_number_without_a_unit(unit: str) -> None:
    cell = parse_cell("1", unit)
    assert cell is not None
    assert (cell.status, cell.unit, cell.text) == (TimeStatus.UNIT_NOT_STATED, None, "1")


@pytest.mark.parametrize(
    ("time", "unit"), [("", ""), ("", "N/A"), ("Không quy định", ""), ("Không", ""), ("0", "ngày")]
)
def test_nothing_published(time: str, unit: str) -> None:
    cell = parse_cell(time, unit)
    assert cell is not None and cell.status is TimeStatus.NOT_PUBLISHED


def test_words() -> None:
    same_day = parse_cell("Thực hiện trong ngày làm việc nhận được hồ sơ", "")
    assert same_day is not None and same_day.status is TimeStatus.SAME_DAY
    at_once = parse_cell("Ngay sau khi nhận đủ hồ sơ", "")
    assert at_once is not None and at_once.status is TimeStatus.IMMEDIATE
    words = parse_cell("", "Chậm nhất là ngay trước khi tàu rời cảng")
    assert words is not None and (words.status, words.text) == (
        TimeStatus.IN_TEXT,
        "Chậm nhất là ngay trước khi tàu rời cảng",
    )


def read(time: str, unit: str, note: str) -> list[tuple[str | None, float | None, TimeUnit | None]]:
    return [(limit.case, limit.quantity, limit.unit) for limit in parse_channel_time(time, unit, note).times]


def test_cases_in_the_remark() -> None:
    note = "- 15 ngày làm việc đối với thiết bị chẩn đoán;\n- 25 ngày làm việc đối với thiết bị khác."
    assert read("15", "Ngày làm việc", note) == [
        ("Thiết bị chẩn đoán", 15, WORKING_DAY),
        ("Thiết bị khác", 25, WORKING_DAY),
    ]


def test_a_case_beside_the_general_time() -> None:
    special = "Đối với các xã miền núi, hải đảo thì thời gian thực hiện không quá 16 ngày làm việc."
    note = f"Không quá 06 ngày làm việc.<br>{special}"
    assert read("6", "ngày làm việc", note) == [(None, 6, WORKING_DAY), ("Các xã miền núi, hải đảo", 16, WORKING_DAY)]


def test_a_case_cut_by_semicolons_is_put_together() -> None:
    note = "Đối với các xã miền núi; đảo; vùng khó khăn thì thời gian thực hiện không quá 15 ngày."
    assert read("5", "ngày", note)[1] == ("Các xã miền núi; đảo; vùng khó khăn", 15, DAY)


def test_an_extension_is_no_time_of_its_own() -> None:
    limits = parse_channel_time(
        "5", "ngày", "Đối với các xã miền núi thì thời gian thực hiện được tăng thêm 10 ngày."
    ).times
    assert [(limit.status, limit.case) for limit in limits] == [
        (TimeStatus.STATED, None),
        (TimeStatus.IN_TEXT, "Các xã miền núi"),
    ]


def test_pairs_and_exceptions_in_brackets() -> None:
    since = "kể từ ngày nhận đủ hồ sơ"
    pairs = f"28 ngày làm việc (đối với trường hợp cấp mới), 02 ngày làm việc (đối với trường hợp cấp lại) {since}"
    assert read("", "", pairs) == [("Cấp mới", 28, WORKING_DAY), ("Cấp lại", 2, WORKING_DAY)]
    assert read("9", "Ngày làm việc", "9 ngày làm việc (hoặc 7 ngày làm việc đối với nhà ở riêng lẻ)") == [
        (None, 9, WORKING_DAY),
        ("Nhà ở riêng lẻ", 7, WORKING_DAY),
    ]


@pytest.mark.parametrize(
    "note",
    [
        "Trong thời hạn 05 ngày làm việc kể từ ngày nhận đủ hồ sơ, Sở Tư pháp thẩm định và trình Ủy ban nhân dân.",
        "- UBND cấp xã: 05 ngày làm việc.\n- Sở Nội vụ: 10 ngày làm việc.",
        "Trường hợp hồ sơ không đầy đủ theo quy định: 03 ngày làm việc.",
        "Nộp sau 15 giờ thì trả kết quả trong ngày làm việc tiếp theo.",
    ],
)
def test_inner_steps_are_no_time_limits(note: str) -> None:
    assert read("15", "Ngày làm việc", note) == [(None, 15, WORKING_DAY)]
    assert parse_remark(note).leftover is None


def test_labels_that_add_up_to_the_cell_are_steps() -> None:
    steps = "Đo vẽ thực địa: 05 ngày làm việc\nLập bản trích lục: 10 ngày làm việc"
    assert read("15", "Ngày làm việc", steps) == [(None, 15, WORKING_DAY)]


def test_trap_a_unit_in_the_remark_replaces_a_number_without_one() -> None:
    assert read("1", "", "Trong thời hạn 03 ngày làm việc kể từ ngày nhận đủ hồ sơ hợp lệ.") == [(None, 3, WORKING_DAY)]
    assert read("1", "", "- 05 ngày làm việc xét hồ sơ\n- 10 ngày làm việc kể từ ngày nhận đủ hồ sơ") == [
        (None, 1, None)
    ]


def test_times_under_a_heading_that_is_not_understood_are_not_cases() -> None:
    note = "a) Trước ngày 01 tháng 7 năm 2026:\n- Không quá 30 ngày đối với dự án nhóm I"
    limits = parse_channel_time("45", "Ngày", note)
    assert [limit.quantity for limit in limits.times] == [45]
    assert limits.leftover == "- Không quá 30 ngày đối với dự án nhóm I"


def test_headings_of_cases_are_joined() -> None:
    note = "- Đối với trường hợp cấp lại:\n+ Đối với phường: Không quá 06 ngày làm việc."
    assert read("11", "Ngày làm việc", note)[1] == ("Cấp lại; Phường", 6, WORKING_DAY)


def test_a_cell_that_sends_to_a_remark_which_says_nothing_is_left_over() -> None:
    limits = parse_channel_time("Theo mô tả", "", "Theo từng dự án được phê duyệt")
    assert (limits.times[0].status, limits.leftover) == (TimeStatus.IN_TEXT, "Theo từng dự án được phê duyệt")


def test_times_of_cases() -> None:
    times = from_case_times("Cấp lại", [("Cấp lại", 3, "WORKING_DAY"), ("Cấp lại do mất", 5, "Ngày"), ("Khác", 1, "")])
    assert [(time.case, time.quantity, time.unit) for time in times] == [
        (None, 3, WORKING_DAY),
        ("Cấp lại do mất", 5, DAY),
    ]


@given(
    st.integers(1, 365),
    st.sampled_from(["ngày", "ngày làm việc", "giờ", "tháng"]),
    st.sampled_from(["", "Không quá ", "Trong thời hạn "]),
)
def test_every_plain_wording(quantity: int, unit: str, lead: str) -> None:
    cell = parse_cell(f"{lead}{quantity:02} {unit}", "")
    assert cell is not None and cell.quantity == quantity


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=300))
def test_any_text_gives_a_time_limit(time: str, unit: str, note: str) -> None:
    for limit in parse_channel_time(time, unit, note).times:
        assert (limit.quantity is not None and limit.unit is not None) or limit.status is not TimeStatus.STATED
