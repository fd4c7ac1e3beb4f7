"""Fees: the value and the text beside it. The wordings are typical, the figures made up unless a trap needs them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.procedure import ChannelKind, FeeKind, FeeStatus
from knowledge.sources.parsing.money import (
    CURRENCIES,
    DOLLAR,
    DONG,
    ParsedFee,
    RawFee,
    parse_fee,
    split_old_print,
    split_printed,
    to_dong,
)


def one(value: float | None, text: str, **more: object) -> ParsedFee:
    read = parse_fee(RawFee(value, text=text, **more))  # type: ignore[arg-type]
    assert len(read.fees) == 1, read
    return read.fees[0]


@pytest.mark.parametrize(
    ("text", "amount", "per"),
    [
        ("7,000 Việt Nam Đồng", 7000, None),
        ("50.000 đồng/lần", 50_000, "lần"),
        ("25.000đ", 25_000, None),
        ("1.500.000 đồng", 1_500_000, None),
        ("02 triệu đồng/Giấy chứng nhận", 2_000_000, "Giấy chứng nhận"),
        ("250.000 đồng/ 1 môn thi", 250_000, "môn thi"),
        ("4.500.000 (bốn triệu năm trăm nghìn) đồng/trường hợp", 4_500_000, "trường hợp"),
        ("20.000/hộ chiếu", 20_000, "hộ chiếu"),
        ("40.000 đồng/01 Giấy chứng nhận", 40_000, "Giấy chứng nhận"),
    ],
)
def test_amount_in_the_text(text: str, amount: int, per: str | None) -> None:
    fee = one(0, text)
    assert (fee.status, fee.amount, fee.per) == (FeeStatus.AMOUNT, amount, per)


def test_range() -> None:
    fee = one(None, "Từ 100.000 đồng đến 200.000 đồng/hồ sơ")
    assert (fee.amount, fee.amount_to, fee.per) == (100_000, 200_000, "hồ sơ")


@pytest.mark.parametrize(
    "text", ["", "Không quy định", "Chưa quy định cụ thể.", "Không có thông tin", "Đồng", "0", "n/a"]
)
def test_nothing_published(text: str) -> None:
    assert one(0, text).status is FeeStatus.NOT_PUBLISHED


@pytest.mark.parametrize("text", ["Không", "Không có.", "Không thu phí", "Miễn phí", "Không thu lệ phí", "- Không có"])
def test_free_in_words(text: str) -> None:
    assert one(0, text).status is FeeStatus.FREE


@pytest.mark.parametrize("printed", ["Miễn phí", "0 VNĐ", ""])
def test_trap_a_printed_zero_alone_is_never_free(printed: str) -> None:
    fee = one(0, "", printed=printed)
    assert fee.status is FeeStatus.NOT_PUBLISHED
    assert fee.text == (printed or None)


@pytest.mark.parametrize(
    "text",
    [
        "50.000 đồng/lần",
        "Mức lệ phí cụ thể do Hội đồng nhân dân tỉnh quyết định.",
        "Theo quy định tại Thông tư số 12/2024/TT-BTC",
        "200.000 đồng; trường hợp cấp lại: 100.000 đồng",
        "0.000đ/giấy thông hành",
    ],
)
def test_trap_printed_free_beside_another_word_is_never_free(text: str) -> None:
    fees, _ = split_printed(f"Miễn phí({text})")
    statuses = {fee.status for fee in parse_fee(fees[0]).fees}
    assert FeeStatus.FREE not in statuses


@pytest.mark.parametrize(
    "text",
    [
        "Do HĐND cấp tỉnh quy định",
        "Theo quy định của Hội đồng nhân dân cấp tỉnh",
        "do Ủy ban nhân dân cấp tỉnh quy định.",
    ],
)
def test_set_by_the_province(text: str) -> None:
    assert one(0, text).status is FeeStatus.SET_BY_PROVINCE


@pytest.mark.parametrize(
    "text",
    [
        "Theo Thông tư số 85/2019/TT-BTC ngày 29/11/2019",
        "Chi tiết tại văn bản kèm theo",
        "Theo Quy định",
        "Nghị quyết số 09/2025/NQ-HĐND ngày 27/10/2025 của Hội đồng nhân dân tỉnh",
        "theo quy định của Chính phủ, Bộ trưởng Bộ Tài chính hoặc Hội đồng nhân dân cấp tỉnh",
    ],
)
def test_by_law(text: str) -> None:
    fee = one(0, text)
    assert (fee.status, fee.text) == (FeeStatus.BY_LAW, text)


def test_only_the_fees_name_is_no_amount_and_no_law() -> None:
    fee = one(0, "Phí thẩm định hồ sơ cấp đổi")
    assert (fee.status, fee.name) == (FeeStatus.NOT_PUBLISHED, "Phí thẩm định hồ sơ cấp đổi")


def test_cases_are_split_where_each_states_one_amount() -> None:
    read = parse_fee(RawFee(0, text="+ Cấp mới 25.000 đồng/giấy; + Cấp lại 20.000 đồng/giấy"))
    assert [(fee.case, fee.amount, fee.per) for fee in read.fees] == [
        ("Cấp mới", 25_000, "giấy"),
        ("Cấp lại", 20_000, "giấy"),
    ]


def test_groups_carry_over_to_the_next_clause() -> None:
    text = (
        "Phí thẩm định: + Cá nhân: Đối với đất ở: 150.000 đồng/hồ sơ; Đối với đất sản xuất: 200.000 đồng/hồ sơ. "
        "+ Tổ chức: 300.000 đồng/hồ sơ."
    )
    read = parse_fee(RawFee(0, text=text))
    assert [(fee.name, fee.case, fee.amount) for fee in read.fees] == [
        ("Phí thẩm định", "Cá nhân; đất ở", 150_000),
        ("Phí thẩm định", "Cá nhân; đất sản xuất", 200_000),
        ("Phí thẩm định", "Tổ chức", 300_000),
    ]


def test_an_unclear_clause_keeps_the_whole_text() -> None:
    text = "dưới 500 GT thu 3.000 đồng/GT (mức thu từ 300.000 đồng đến dưới 900.000 đồng); trên 500 GT: 2.000 đồng/GT"
    read = parse_fee(RawFee(0, text=text))
    assert [fee.status for fee in read.fees] == [FeeStatus.IN_TEXT]
    assert text in (read.fees[0].text or "")
    assert read.leftover


def test_trap_a_value_typed_without_its_thousands() -> None:
    assert one(100, "Phí công bố: 100.000 đồng/lần").amount == 100_000
    alone = parse_fee(RawFee(100, text="", printed="100 VNĐ"))
    assert (alone.fees[0].status, alone.fees[0].text, alone.leftover) == (FeeStatus.IN_TEXT, "100 VNĐ", "100 VNĐ")


def test_trap_a_lower_amount_for_a_while_stands_beside_the_value() -> None:
    text = (
        "áp dụng mức phí 25.000 đồng/hồ sơ kể từ ngày 01/7/2025 đến hết ngày 31/12/2026 theo Thông tư số 64/2025/TT-BTC"
    )
    general, special = parse_fee(RawFee(50_000, text=text)).fees
    assert (general.amount, general.valid_to) == (50_000, None)
    assert (special.amount, special.valid_from, special.valid_to) == (
        25_000,
        dt.date(2025, 7, 1),
        dt.date(2026, 12, 31),
    )


def test_trap_a_waiver_for_a_while_does_not_limit_the_amount() -> None:
    text = "lần cấp Miễn phí từ ngày 07/4/2026 đến 30/6/2026 theo quy định tại Thông tư 40/2026/TT-BTC"
    amount, waiver = parse_fee(RawFee(5_000_000, text=text)).fees
    assert (amount.amount, amount.per, amount.valid_to) == (5_000_000, "lần cấp", None)
    assert (waiver.status, waiver.valid_from, waiver.valid_to) == (
        FeeStatus.FREE,
        dt.date(2026, 4, 7),
        dt.date(2026, 6, 30),
    )


def test_value_and_text_that_contradict_each_other_are_left_over() -> None:
    read = parse_fee(RawFee(40_000, text="50.000đ/giấy thông hành", printed="40,000 VNĐ"))
    assert read.fees[0].status is FeeStatus.IN_TEXT
    assert read.leftover == "40,000 VNĐ (50.000đ/giấy thông hành)"


def test_free_of_one_fee_and_another_by_law() -> None:
    text = "Miễn lệ phí. Phí cấp bản sao (nếu có yêu cầu) thực hiện theo Thông tư số 281/2016/TT-BTC."
    free, by_law = parse_fee(RawFee(0, text=text, kind=FeeKind.CHARGE)).fees
    assert (free.status, free.kind) == (FeeStatus.FREE, FeeKind.CHARGE)
    assert by_law.status is FeeStatus.BY_LAW


def test_exemptions() -> None:
    text = "Mức lệ phí do Hội đồng nhân dân cấp tỉnh quy định. Miễn lệ phí cho người thuộc hộ nghèo; người khuyết tật."
    read = parse_fee(RawFee(0, text=text))
    assert read.exemptions == ("Miễn lệ phí cho người thuộc hộ nghèo; người khuyết tật.",)
    assert [fee.status for fee in read.fees] == [FeeStatus.SET_BY_PROVINCE]


def test_a_text_that_names_one_channel_limits_the_fee_to_it() -> None:
    fee = one(7000, "Trường hợp nộp hồ sơ qua cổng dịch vụ công trực tuyến thu 7.000 đồng/lần đăng ký")
    assert (fee.amount, fee.only) == (7000, (ChannelKind.ONLINE,))


def test_a_ceiling_stays_in_the_text() -> None:
    text = (
        "Tại xã: 2.000 đồng/trang; từ trang thứ 3 trở lên thu 1.000 đồng/trang, tối đa thu không quá 200.000 đồng/bản"
    )
    first, later = parse_fee(RawFee(2000, text=text)).fees
    assert (first.amount, first.case) == (2000, "Tại xã")
    assert (later.amount, later.case) == (1000, "Từ trang thứ 3 trở lên")
    assert "200.000 đồng/bản" in (later.text or "")


def test_the_province_sets_one_fee_and_a_law_another() -> None:
    copies_text = "Phí cấp bản sao thực hiện theo quy định tại Thông tư số 9/2020/TT-X."
    text = f"Mức lệ phí do Hội đồng nhân dân tỉnh quyết định. {copies_text}"
    province, copies = parse_fee(RawFee(0, text=text)).fees
    assert (province.status, copies.status) == (FeeStatus.SET_BY_PROVINCE, FeeStatus.BY_LAW)
    assert copies.text == copies_text


def test_not_taken_from_some() -> None:
    fee = one(0, "Không thu lệ phí đăng ký đối với tổ hợp tác theo quy định tại Điều 22.")
    assert (fee.status, fee.case) == (FeeStatus.FREE, "Tổ hợp tác")


def test_dollars_and_shares_are_kept_as_text_and_no_leftover() -> None:
    dollars = parse_fee(RawFee(20, DOLLAR, "Ghi vào Sổ việc kết hôn"))
    assert (dollars.fees[0].status, dollars.fees[0].text) == (FeeStatus.IN_TEXT, "20 USD (Ghi vào Sổ việc kết hôn)")
    assert dollars.leftover is None
    assert one(None, "Mức thu bằng 50% mức thu lần đầu").status is FeeStatus.IN_TEXT


def test_currencies() -> None:
    assert CURRENCIES["019b3fb2-b5b8-70ac-85e2-9409ec1eaffa"] == DONG
    assert CURRENCIES["019b3fb2-dee2-76ab-aa53-22d4d903a2bb"] == DOLLAR
    unknown = parse_fee(RawFee(70, "0000-new-id", ""))
    assert (unknown.fees[0].status, bool(unknown.leftover)) == (FeeStatus.IN_TEXT, True)


def test_printed_cell() -> None:
    fees, note = split_printed("200,000 Việt Nam Đồng(200.000 VNĐ/giấy (mới))50,000 VNĐnộp tại bộ phận một cửa")
    assert [(fee.value, fee.text) for fee in fees] == [(200_000, "200.000 VNĐ/giấy (mới)"), (50_000, "")]
    assert note == "nộp tại bộ phận một cửa"


def test_older_print() -> None:
    fees = split_old_print(
        "Phí : 2.000.000 Đồng (Thẩm định lần đầu)\nLệ phí : 0.5 USD (Người dưới 16 tuổi)\nPhí : Không Đồng"
    )
    assert [(fee.value, fee.currency, fee.text) for fee in fees] == [
        (2_000_000, DONG, "Thẩm định lần đầu"),
        (0.5, DOLLAR, "Người dưới 16 tuổi"),
        (None, DONG, "Không"),
    ]


def test_numbers_of_laws_and_dates_are_no_amounts() -> None:
    fee = one(0, "Thông tư số 281/2016/TT-BTC ngày 14/11/2016, Điều 4 khoản 1, cho 1.000 tấn")
    assert fee.status is FeeStatus.BY_LAW


@given(
    st.integers(1, 999),
    st.integers(0, 2),
    st.sampled_from([".", ","]),
    st.sampled_from([" đồng", "đ", " VNĐ", " Việt Nam Đồng"]),
)
def test_every_way_to_write_an_amount(figure: int, groups: int, separator: str, word: str) -> None:
    amount = figure * 1000 ** (groups + 1)
    written = f"{amount:,}".replace(",", separator)
    assert to_dong(written) == amount
    assert one(0, f"{written}{word}/hồ sơ").amount == amount


@given(st.floats(0, 1e9) | st.none(), st.text(max_size=200))
def test_any_text_gives_a_fee_and_loses_nothing_that_is_left_over(value: float | None, text: str) -> None:
    read = parse_fee(RawFee(value, text=text))
    assert read.fees
    if read.leftover:
        assert any(fee.text for fee in read.fees)
