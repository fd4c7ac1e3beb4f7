from __future__ import annotations

import datetime as dt

import pytest

from knowledge.answers import FIELDS, PAGE_CHARACTERS, TITLES, answer, full_text
from knowledge.procedure import (
    ChannelKind,
    DocumentRequirement,
    Fee,
    FeeKind,
    FeeStatus,
    Form,
    Handling,
    LegalBasis,
    Procedure,
    Source,
    SubmissionChannel,
    TimeLimit,
    TimeStatus,
    TimeUnit,
)


def birth(**changes: object) -> Procedure:
    values: dict[str, object] = {
        "code": "1.001193",
        "name": "Thủ tục thử đăng ký khai sinh",
        "plain_name": "Làm giấy khai sinh",
        "authorities": ["Ủy ban nhân dân cấp xã"],
        "documents": [
            DocumentRequirement(name="Tờ khai", originals=1, forms=[Form(name="Mẫu thử")]),
            DocumentRequirement(name="Giấy xác nhận", case="Cha mẹ chưa kết hôn", originals=1, copies=2),
            DocumentRequirement(name="Căn cước", handling=Handling.SHOW, held_by_state=True),
            DocumentRequirement(name="Văn bản ủy quyền", case="Người khác đi làm thay"),
            DocumentRequirement(name="Biên bản", case="Cha mẹ chưa kết hôn", optional=True),
        ],
        "fees": [
            Fee(status=FeeStatus.AMOUNT, kind=FeeKind.CHARGE, amount=20_000, per="lần", channels=[ChannelKind.IN_PERSON]),
            Fee(status=FeeStatus.FREE, case="Đúng hạn"),
        ],
        "exemptions": ["Hộ nghèo"],
        "time_limits": [TimeLimit(quantity=7.5, unit=TimeUnit.WORKING_DAY), TimeLimit(status=TimeStatus.SAME_DAY)],
        "channels": [SubmissionChannel(kind=ChannelKind.IN_PERSON), SubmissionChannel(kind=ChannelKind.POST)],
        "legal_basis": [LegalBasis(number="1/2020/NĐ-CP", title="Nghị định thử")],
        "sources": {
            "s": Source(
                name="Cổng thử", decision="163/QĐ-T", decision_date=dt.date(2026, 1, 16), url="https://example.vn/x"
            )
        },
    }
    return Procedure.model_validate(values | changes)


def test_papers_are_numbered_and_the_cases_made_visible() -> None:
    text = answer(birth(), ["documents"]).text
    assert "1. Tờ khai (1 bản chính; mẫu: Mẫu thử)" in text
    assert "Nếu cha mẹ chưa kết hôn:\n2. Giấy xác nhận (1 bản chính; 2 bản sao)\n3. Biên bản (nếu có)" in text
    assert "Nếu người khác đi làm thay:\n4. Văn bản ủy quyền" in text
    assert "xuất trình" in text
    assert "Không phải xuất trình nếu cơ quan tra cứu được" in text


def test_fees_say_for_whom_and_by_which_channel() -> None:
    text = answer(birth(), ["fee"]).text
    assert "- Lệ phí: 20.000 đồng/lần (nộp trực tiếp)" in text
    assert "- không thu (nếu đúng hạn)" in text
    assert "Được miễn, giảm: Hộ nghèo." in text


@pytest.mark.parametrize(
    ("fee", "words"),
    [
        (Fee(status=FeeStatus.SET_BY_PROVINCE), "Hội đồng nhân dân cấp tỉnh quy định"),
        (Fee(status=FeeStatus.BY_LAW, text="Theo Thông tư 1/2020"), "Theo Thông tư 1/2020"),
        (Fee(status=FeeStatus.AMOUNT, amount=150_000, amount_to=1_200_000), "150.000 đồng đến 1.200.000 đồng"),
        (Fee(status=FeeStatus.AMOUNT, amount=1, valid_from=dt.date(2026, 8, 15)), "từ 15/08/2026"),
    ],
)
def test_what_the_source_says_of_a_fee(fee: Fee, words: str) -> None:
    assert words in answer(birth(fees=[fee]), ["fee"]).text


def test_a_fee_that_is_over_is_not_shown() -> None:
    over = Fee(status=FeeStatus.AMOUNT, amount=65_000, valid_to=dt.date(2025, 12, 31))
    text = answer(birth(fees=[over, Fee(status=FeeStatus.AMOUNT, amount=135_000)]), ["fee"]).text
    assert "135.000" in text
    assert "65.000" not in text


def test_a_time_in_words_keeps_its_case_and_channel() -> None:
    limit = TimeLimit(status=TimeStatus.IN_TEXT, text="Trước khi tàu cập cảng", channels=[ChannelKind.ONLINE])
    assert "Trước khi tàu cập cảng (nộp trực tuyến)" in answer(birth(time_limits=[limit]), ["time"]).text


def test_a_missing_value_is_said_to_be_missing() -> None:
    bare = birth(fees=[Fee(status=FeeStatus.NOT_PUBLISHED, text="Miễn phí")], time_limits=[], documents=[])
    told = answer(bare, ["fee"])
    assert told.status == "not_published"
    assert "chưa có mức phí" in told.text
    assert "không thu" not in told.text
    assert answer(bare, ["time"]).status == "not_published"
    assert answer(bare, ["documents"]).status == "not_published"


def test_a_number_without_unit_is_not_made_into_days() -> None:
    told = answer(birth(time_limits=[TimeLimit(status=TimeStatus.UNIT_NOT_STATED, text="1")]), ["time"])
    assert told.status == "not_published"
    assert "không ghi đơn vị" in told.text


def test_exactly_the_asked_fields_in_the_asked_order() -> None:
    told = answer(birth(), ["fee", "time", "fee", "nonsense"])
    assert told.fields == ["fee", "time"]
    assert [part.field for part in told.parts] == ["fee", "time"]
    assert "Giấy tờ cần chuẩn bị" not in told.text
    assert "7,5 ngày làm việc" in told.text
    assert "Trong ngày" in told.text


def test_every_answer_names_its_source() -> None:
    for name in FIELDS:
        told = answer(birth(), [name])
        assert "Nguồn: Cổng thử; Quyết định 163/QĐ-T ngày 16/01/2026; https://example.vn/x" in told.text
        assert told.sources[0]["decision"] == "163/QĐ-T"


def test_long_answers_come_in_pages_that_lose_nothing() -> None:
    papers = [DocumentRequirement(name=f"Giấy số {n} " + "rất dài " * 12, originals=1) for n in range(40)]
    long = birth(documents=[*papers, DocumentRequirement(name="x" * 3000)])
    first = answer(long, ["documents"])
    assert first.pages > 3
    assert "xem tiếp" in first.text
    texts = [answer(long, ["documents"], page).text for page in range(1, first.pages + 1)]
    assert all(len(text) < PAGE_CHARACTERS + 400 for text in texts)
    assert all(f"Giấy số {n} " in "".join(texts) for n in range(40))
    assert "".join(texts).count("x") >= 3000
    assert "xem tiếp" not in texts[-1]
    assert answer(long, ["documents"], 99).page == first.pages


def test_an_overview_is_short_and_a_bare_name_says_so() -> None:
    told = answer(birth())
    assert told.fields == ["overview"]
    assert "Thời hạn giải quyết" in told.text
    bare = Procedure(code="1.000001", name="Chỉ có tên", has_details=False)
    assert answer(bare).status == "not_published"
    assert "mới có tên" in answer(bare).text


def test_full_text_holds_every_field() -> None:
    text = full_text(birth())
    assert all(title in text for title in TITLES.values())


def test_online_filing_is_not_claimed_when_the_source_does_not_name_it() -> None:
    assert "không ghi cách nộp trực tuyến" in answer(birth(), ["method"]).text
