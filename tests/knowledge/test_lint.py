"""What the lint finds, on procedures made up for it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from knowledge.lint import CHECKS, LintReport, lint
from knowledge.procedure import Procedure

TODAY = dt.date(2026, 11, 22)
COMPLETE: dict[str, Any] = {
    "name": "Cấp giấy thử",
    "levels": ["commune"],
    "documents": [{"name": "Tờ khai"}],
    "fees": [{"status": "amount", "amount": 8000}],
    "time_limits": [{"quantity": 3, "unit": "working_day"}],
}


def check(**change: Any) -> LintReport:
    return lint([Procedure(code="1.000001", **{**COMPLETE, **change})], TODAY)


def found(report: LintReport) -> set[str]:
    return {name for name, codes in report.findings.items() if codes}


def test_a_complete_procedure_has_no_findings() -> None:
    report = check()
    assert found(report) == set()
    assert report.share("all") == 1.0


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("no_papers", {"documents": [{"name": "Lưu ý", "handling": "note"}]}),
        ("no_fee", {"fees": [{"status": "not_published"}]}),
        ("no_fee", {"fees": []}),
        ("no_time", {"time_limits": [{"status": "not_published"}]}),
        ("unit_not_stated", {"time_limits": [{"status": "unit_not_stated", "quantity": 1, "text": "1"}]}),
        ("amount_beside_zero", {"fees": [{"status": "free", "text": "50.000 đồng/lần"}]}),
        ("amount_beside_zero", {"fees": [{"status": "by_law", "text": "theo thông tư: 2 triệu đồng"}]}),
        ("abolished_district", {"steps": ["Nộp tại Ủy ban nhân dân huyện"]}),
        ("abolished_district", {"place": "UBND quận nơi cư trú"}),
        ("abolished_district", {"documents": [{"name": "Xác nhận của Phòng Tư pháp cấp huyện"}]}),
        ("expired", {"valid_to": dt.date(2026, 1, 1)}),
        ("expired_fee", {"fees": [{"status": "amount", "amount": 1, "valid_to": dt.date(2026, 6, 30)}]}),
        ("level_missing", {"levels": []}),
        ("outlier_time", {"time_limits": [{"quantity": 1100, "unit": "day"}]}),
        ("authority_of_one_province", {"authorities": ["Sở Tư pháp Thành phố Hà Nội"]}),
    ],
)
def test_each_finding(name: str, change: dict[str, Any]) -> None:
    report = check(**change)
    assert found(report) == {name}
    assert "1.000001" in report.findings[name]


@pytest.mark.parametrize(
    "limits",
    [
        [{"quantity": 3, "unit": "day"}, {"quantity": 5, "unit": "day"}],
        [
            {"quantity": 3, "unit": "day", "channels": ["online"]},
            {"quantity": 3, "unit": "working_day", "channels": ["post"]},
        ],
        [{"quantity": 12, "unit": "day"}, {"quantity": 12, "unit": "month", "case": "Phải thử lâm sàng"}],
    ],
)
def test_contradictory_channels(limits: list[dict[str, Any]]) -> None:
    assert found(check(time_limits=limits)) == {"contradictory_channels"}


@pytest.mark.parametrize(
    "limits",
    [
        [{"quantity": 3, "unit": "day", "channels": ["online"]}, {"quantity": 5, "unit": "day", "channels": ["post"]}],
        [{"quantity": 3, "unit": "day"}, {"quantity": 5, "unit": "day", "case": "Cần xác minh"}],
    ],
)
def test_times_that_may_differ(limits: list[dict[str, Any]]) -> None:
    assert found(check(time_limits=limits)) == set()


def test_an_amount_that_the_province_sets_is_reported() -> None:
    text = "Mức lệ phí cụ thể do Hội đồng nhân dân tỉnh quyết định"
    assert found(check(fees=[{"status": "amount", "amount": 50_000, "text": text}])) == {"amount_set_by_province"}


def test_no_false_alarm_for_an_office_of_the_own_province_or_of_any() -> None:
    assert found(check(province="Lai Châu", authorities=["Sở Tư pháp tỉnh Lai Châu"])) == set()
    assert found(check(authorities=["Công an các tỉnh, thành phố", "Ủy ban nhân dân cấp tỉnh"])) == set()


def test_duplicate_names_and_names_only() -> None:
    twins = [Procedure(code=f"1.00000{number}", name="Tách thửa", has_details=False) for number in (1, 2)]
    report = lint(twins, TODAY)
    assert (report.total, report.with_details, report.name_only) == (2, 0, 2)
    assert report.findings["duplicate_name"] == {"1.000001": "1.000002", "1.000002": "1.000001"}
    assert report.share("all") == 0.0


def test_leftovers_and_the_key_figure() -> None:
    notes = [{"about": "fee", "text": "gì đó", "leftover": True}, {"about": "time", "text": "lời nhắc"}]
    report = lint(
        [
            Procedure(code="1.000001", **COMPLETE, notes=notes),
            Procedure(code="1.000002", **{**COMPLETE, "name": "Khác"}),
        ],
        TODAY,
    )
    assert (report.share("fee"), report.share("time"), report.share("documents"), report.share("all")) == (
        0.5,
        1.0,
        1.0,
        0.5,
    )
    assert report.leftovers == {"fee": 1}
    hidden = lint(
        [Procedure(code="1.000001", **COMPLETE, notes=[{"about": "channels", "text": "x", "leftover": True}])], TODAY
    )
    assert (hidden.share("time"), hidden.share("fee"), hidden.share("documents")) == (0.0, 0.0, 1.0)


def test_the_report_as_json_and_as_lines() -> None:
    report = check(levels=[], notes=[{"about": "fee", "text": "một đoạn dài " * 20, "leftover": True}])
    as_json = json.loads(json.dumps(report.to_dict()))
    assert set(as_json["findings"]) == set(CHECKS)
    assert as_json["findings"]["level_missing"] == {"count": 1, "codes": ["1.000001"]}
    assert as_json["read_without_leftovers"]["all"] == {"records": 0, "share": 0.0}
    lines = list(report.lines())
    assert lines[0] == "1 procedures: 1 with details, 0 by name only"
    assert any("level_missing" in line for line in lines)
    assert all(len(line) < 140 for line in lines)


def test_nothing_to_check() -> None:
    assert next(iter(lint([], TODAY).lines())).startswith("0 procedures")
