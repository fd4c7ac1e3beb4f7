"""Reading fields: dates, amounts, states, codes, proofs, and taking persons out of words."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.dossiers.adapters.coverage import Coverage, agency_segments
from actions.dossiers.adapters.mapped import _parsed_as
from actions.dossiers.adapters.persons import Persons
from actions.dossiers.adapters.proof import proves
from actions.dossiers.adapters.reading import STATES_BY_NAME, Reading, national_time
from actions.dossiers.dossier import Proof, State

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def iso(text: str) -> dt.datetime:
    return _parsed_as(text, "iso")[0]


# -- dates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("20261013080500", dt.datetime(2026, 10, 13, 8, 5)),
        (20261013080500, dt.datetime(2026, 10, 13, 8, 5)),
        (" 20261013235959 ", dt.datetime(2026, 10, 13, 23, 59, 59)),
        ("20240229000000", dt.datetime(2024, 2, 29)),
    ],
)
def test_a_national_date(value: Any, read: dt.datetime) -> None:
    reading = Reading({})
    assert reading.time(value, "x", national_time) == read
    assert not reading.notes


@pytest.mark.parametrize("value", [None, "", "  ", "0", 0, "00000000000000", "00010101000000", "19000101000000"])
def test_no_date_is_nothing_to_note(value: Any) -> None:
    reading = Reading({})
    assert reading.time(value, "x", national_time) is None
    assert not reading.notes


@pytest.mark.parametrize(
    "value",
    [
        "20261332", "20261332000000", "20260229000000", "20261013", "2026101308050", "20261013256199", "13/10/2026",
        "2026-10-13T08:05:00", "99991231000000", "１２３４５６７８９０１２３４", "x" * 5_000, 1.5, True, [], {},
        "19991231000000",
    ],
)  # fmt: skip
def test_a_wrong_date_is_left_out_and_counted(value: Any) -> None:
    reading = Reading({})
    assert reading.time(value, "NgayHenTra", national_time) is None
    assert reading.notes == {"wrong date: NgayHenTra": 1}


def test_times_with_a_zone_become_local_and_no_day_is_lost() -> None:
    reading = Reading({})
    assert reading.time("2026-10-12T23:00:00.000+0000", "x", iso) == dt.datetime(2026, 10, 13, 6)
    assert reading.time("2026-10-12T23:00:00Z", "x", iso) == dt.datetime(2026, 10, 13, 6)
    assert reading.time("2026-10-13T06:00:00+07:00", "x", iso) == dt.datetime(2026, 10, 13, 6)
    assert reading.time("2026-10-13T06:00:00", "x", iso) == dt.datetime(2026, 10, 13, 6)


@pytest.mark.parametrize(
    ("text", "form", "read", "has_hour"),
    [
        ("1791853200000", "epoch-ms", dt.datetime(2026, 10, 13, 1, tzinfo=dt.UTC), True),
        ("1791853200", "epoch-s", dt.datetime(2026, 10, 13, 1, tzinfo=dt.UTC), True),
        ("13/10/2026", "%d/%m/%Y", dt.datetime(2026, 10, 13), False),
        ("13/10/2026 08:05", "%d/%m/%Y %H:%M", dt.datetime(2026, 10, 13, 8, 5), True),
        ("2026-10-13", "iso", dt.datetime(2026, 10, 13), False),
    ],
)
def test_formats_of_a_mapping(text: str, form: str, read: dt.datetime, has_hour: bool) -> None:
    assert _parsed_as(text, form) == (read, has_hour)


# -- amounts, states, words -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "amount"),
    [(150000, 150_000), ("150000", 150_000), ("150.000", 150_000), ("1,500,000", 1_500_000), ("0", 0), (8000.0, 8_000)],
)
def test_an_amount(value: Any, amount: int) -> None:
    assert Reading({}).amount(value, "x") == amount


@pytest.mark.parametrize("value", ["-5", "miễn phí", "1.5", float("inf"), float("nan"), True, [], "1" * 30, -1])
def test_no_amount(value: Any) -> None:
    reading = Reading({})
    assert reading.amount(value, "x") is None
    assert reading.notes == {"wrong amount: x": 1}


def test_official_names_of_states_are_known_however_they_are_written() -> None:
    assert Reading({}).state("ĐANG XỬ LÝ", "ĐANG XỬ LÝ", STATES_BY_NAME) == (State.PROCESSING, "ĐANG XỬ LÝ")
    assert Reading({}).state("dang xu ly", "", STATES_BY_NAME)[0] is State.PROCESSING
    assert Reading({}).state("Đang xử lý lại", "Đang xử lý lại", STATES_BY_NAME)[0] is State.UNKNOWN


@given(anything)
def test_reading_never_fails(value: Any) -> None:
    reading = Reading({"ChuHoSo": value, "x": value})
    text = reading.text(value, "x")
    text.encode("utf-8")
    assert len(text) <= 2_500
    reading.time(value, "x", national_time)
    reading.time(value, "x", iso)
    reading.amount(value, "x")
    reading.procedure_code(value)
    reading.state(value, text, STATES_BY_NAME)


def test_broken_unicode_and_markup_become_plain_words() -> None:
    assert Reading({}).text("Bổ sung \ud800<b>giấy</b>\u202e&nbsp;khai sinh\x00", "x") == "Bổ sung giấy khai sinh"


# -- persons ----------------------------------------------------------------------------------------

ANSWER = {
    "ChuHoSo": "Lò Thị  Bưởi Mẫu",
    "SoDienThoai": "0300000101",
    "DinhDanhCHS": [{"LoaiDinhDanh": 1, "SoDinhDanh": "000399007101"}, {"SoDinhDanh": "C1234567"}],
    "DiaChi": "Số 5, thôn Thử, xã Mẫu",
    "applicant": {
        "type": "Cá nhân",
        "data": {"fullname": "Nguyễn Văn Giả Định", "province": {"label": "Tỉnh Quảng Trị"}},
    },
    "nguoiXuLy": [{"ten": "Trần Thị Thử"}],
    "tthc": {"ten": "Đăng ký khai sinh"},
}


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("Đề nghị bà Lò Thị Bưởi Mẫu nộp thêm", "Đề nghị bà [họ tên] nộp thêm"),
        ("LÒ THỊ BƯỞI MẪU, nguyen van gia dinh", "[họ tên], [họ tên]"),
        ("bà Lò Thị\nBưởi Mẫu", "bà [họ tên]"),
        ("cán bộ Trần Thị Thử", "cán bộ [họ tên]"),
        ("số 5, thôn Thử, xã Mẫu", "[họ tên]"),
        ("gọi 0300 000 101", "gọi [số]"),
        ("CCCD 000.399.007.101, hộ chiếu C1234567", "CCCD [số], hộ chiếu [số]"),
        ("gọi 0398765432 hoặc a.b@c.vn", "gọi [số điện thoại] hoặc [email]"),
        ("Đăng ký khai sinh cho cá nhân, UBND Tỉnh Quảng Trị", "Đăng ký khai sinh cho cá nhân, UBND Tỉnh Quảng Trị"),
        ("Hồ sơ H57.17.26-231114-0002, thủ tục 1.001193", "Hồ sơ H57.17.26-231114-0002, thủ tục 1.001193"),
    ],
)
def test_persons_are_taken_out_of_words(text: str, without: str) -> None:
    assert Reading(ANSWER).text(text, "x") == without


def test_a_crowd_of_persons_or_a_deep_answer_is_no_trouble() -> None:
    deep: Any = "Lò Thị Bưởi Mẫu"
    for _ in range(900):
        deep = {"nguoiNop": deep}
    assert Persons(deep).scrub("bà Lò Thị Bưởi Mẫu") == "bà [họ tên]"
    crowd = Persons([{"hoTen": f"Nguyễn Văn Thử {n}"} for n in range(10_000)])
    text = "Đề nghị ông Nguyễn Văn Giả bổ sung giấy tờ. " * 40
    started = time.process_time()
    for _ in range(40):
        assert crowd.scrub(text) == text
    assert time.process_time() - started < 1.0


# -- proof ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digits", "numbers", "right"),
    [
        ("0101", ["0300000101"], True),
        ("0101", ["x", None, "+84 300.000.101"], True),
        ("0300000101", ["84300000101"], True),
        ("7101", ["0300000101", "000399007101"], True),
        ("101", ["0300000101"], False),
        ("0101", [], False),
        ("0101", ["0101"], False),  # a placeholder, not a number
        ("0000", ["0000000000"], False),
        ("300000101", ["0300000101"], True),
        ("90300000101", ["0300000101"], False),
        ("0101", [[], {}, True, 1.5], False),
        ("4567", ["C1234567"], True),
    ],
)
def test_proof(digits: str, numbers: list[Any], right: bool) -> None:
    assert proves(Proof(digits), numbers) is right


@given(st.text(max_size=20), st.lists(anything, max_size=4))
def test_proving_never_fails(digits: str, numbers: list[Any]) -> None:
    assert proves(Proof(digits), numbers) in (True, False)


# -- coverage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "segments"),
    [
        ("H57.17.26-231114-0002", ["H57", "17", "26"]),
        ("000.17.22.H56-210531-0001", ["H56", "22", "17"]),
        ("000.00.06.H56-231027-0361", ["H56", "06"]),
        ("000.A0.01.H26-210212-9090", ["H26", "01", "A0"]),
        ("G22.99-251225-020175", ["G22", "99"]),
        ("HS12345678", ["HS12345678"]),
    ],
)
def test_the_agency_in_todays_order(code: str, segments: list[str]) -> None:
    assert agency_segments(code) == segments


def test_the_longer_prefix_fits_better() -> None:
    code = "H57.17.26-231114-0002"
    fits = [Coverage([pattern]).specificity(code) for pattern in ("H56", "*", "H57", "H57.*", "H57.17", "H57.17.26")]
    assert fits[0] == 0
    assert fits == sorted(set(fits))
    assert Coverage([r"/H57\..*-0002/"]).specificity(code) > fits[-1]
    assert Coverage(["H5"]).specificity(code) == Coverage(["H57.1"]).specificity(code) == 0


@pytest.mark.parametrize("pattern", ["", "h57", "H57.", "H57-1", "/(/", "H57 ", "H57.17.*x"])
def test_a_wrong_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        Coverage([pattern])
