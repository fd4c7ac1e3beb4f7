"""The readers on the official files in ../shared: every trap in the data that is known, on the records that hold it."""

from __future__ import annotations

import datetime as dt
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from knowledge.lint import lint
from knowledge.procedure import ChannelKind, FeeKind, FeeStatus, Handling, Level, TimeStatus, TimeUnit
from knowledge.sources import read

from .conftest import official

pytestmark = pytest.mark.national
NATIONAL = "national-2026-07.jsonl.gz"
LONGEST_READ = 60.0
"""Seconds; it takes about 9 on a free core, and tests share theirs."""


def test_counts_and_refusals(national: Any) -> None:
    assert national.format == "national"
    assert len(national.procedures) == 5776
    assert sum(procedure.has_details for procedure in national.procedures.values()) == 4215
    assert {item.code for item in national.rejected} == {"1.014325", "1.0133611", "1.014955-Xoa", "2.009182739"}


def test_speed() -> None:
    path = official(NATIONAL)
    started = time.process_time()
    assert sum(1 for _ in read(path)[1]) == 5780
    assert time.process_time() - started < LONGEST_READ


def test_the_share_that_reads_without_leftovers(national: Any) -> None:
    report = lint(national.procedures.values(), dt.date(2026, 7, 20))
    assert report.with_details == 4215
    assert report.share("documents") > 0.985
    assert report.share("time") > 0.97
    assert report.share("fee") > 0.975
    assert report.share("all") > 0.94


def test_every_name_is_clean(national: Any) -> None:
    for procedure in national.procedures.values():
        assert unicodedata.is_normalized("NFC", procedure.name)
        letters = [letter for letter in procedure.name if letter.isalpha()]
        assert not all(letter.isupper() for letter in letters), procedure.name


def test_trap_zero_is_not_free(national: Any) -> None:
    """No record is free of charge unless a text of its own says so."""
    for procedure in national.procedures.values():
        for fee in procedure.fees:
            if fee.status is FeeStatus.FREE:
                assert fee.text and any(word in fee.text.lower() for word in ("không", "miễ", "0 đồng")), procedure.code
    portal_prints_free_beside_a_province_rule = national["1.000080"].fees
    statuses = {fee.status for fee in portal_prints_free_beside_a_province_rule}
    assert statuses == {FeeStatus.SET_BY_PROVINCE, FeeStatus.BY_LAW}  # the charge, and the copies


def test_marriage_is_free_and_its_copies_are_set_by_law(national: Any) -> None:
    fees = national["1.000894"].fees
    assert (FeeStatus.FREE, FeeKind.CHARGE) in {(fee.status, fee.kind) for fee in fees}
    assert FeeStatus.BY_LAW in {fee.status for fee in fees}


def test_fees_that_differ_by_channel(national: Any) -> None:
    fees = {fee.amount: fee.channels for fee in national["1.004222"].fees if fee.amount}
    assert fees[20_000] and ChannelKind.ONLINE not in fees[20_000]
    assert fees[10_000] == [ChannelKind.ONLINE]


def test_fees_that_only_the_remark_states(national: Any) -> None:
    fees = national["2.000815"].fees  # copies: the cell holds the first amount, the remark beside it all of them
    assert {fee.amount for fee in fees if fee.amount} == {1000, 2000}
    assert any("200.000 đồng/bản" in (fee.text or "") for fee in fees)


def test_equal_fees_stand_once_for_every_channel(national: Any) -> None:
    (fee,) = national["1.002460"].fees
    assert (fee.amount, fee.channels) == (100_000, [])


def test_trap_a_printed_page_with_the_time_glued_to_the_fee(national: Any) -> None:
    procedure = national["2.002009"]  # the page prints "1" and "100 VNĐ" as "1100 VNĐ"
    assert procedure.time_limits[0].status is TimeStatus.UNIT_NOT_STATED
    assert procedure.time_limits[0].quantity == 1
    assert {fee.amount for fee in procedure.fees} == {100_000}


def test_trap_a_time_without_a_unit(national: Any) -> None:
    unclear = [
        procedure
        for procedure in national.procedures.values()
        if any(limit.status is TimeStatus.UNIT_NOT_STATED for limit in procedure.time_limits)
    ]
    assert unclear
    for procedure in unclear:
        for limit in procedure.time_limits:
            assert limit.status is not TimeStatus.UNIT_NOT_STATED or (limit.unit is None and limit.text)
    with_case = national["2.000528"].time_limits  # its case says one working day
    assert [(limit.quantity, limit.unit) for limit in with_case] == [(1, TimeUnit.WORKING_DAY)]


def test_times_of_cases_that_differ_from_the_channel_say_so(national: Any) -> None:
    (limit,) = national["1.000094"].time_limits
    assert (limit.quantity, limit.unit) == (8, TimeUnit.WORKING_DAY)
    assert limit.text and "3" in limit.text


def test_cases_of_time_in_remarks(national: Any) -> None:
    limits = national["1.115281"].time_limits
    assert [(limit.quantity, bool(limit.case)) for limit in limits] == [(8, False), (18, True)]


def test_trap_rows_without_counts(national: Any) -> None:
    rows = [paper for procedure in national.procedures.values() for paper in procedure.documents]
    assert sum(paper.handling is Handling.NOTE for paper in rows) > 1000
    assert sum(paper.handling is Handling.SHOW for paper in rows) > 200
    for paper in rows:
        assert (paper.originals, paper.copies) != (0, 0)
        assert max(paper.originals or 0, paper.copies or 0) <= 60, paper.name


def test_shown_and_submitted_papers_of_a_birth(national: Any) -> None:
    papers = national["1.001193"].documents
    handlings = {paper.handling for paper in papers}
    assert {Handling.SUBMIT, Handling.SHOW, Handling.NOTE} <= handlings
    assert all(paper.case is None or "Giấy tờ phải" not in paper.case for paper in papers)


def test_trap_digits_that_ran_into_the_count(national: Any) -> None:
    names = [paper.name for paper in national["1.003650"].documents]
    assert any(name.endswith("01/01/2026") for name in names)


def test_provinces(national: Any) -> None:
    provinces = {procedure.province for procedure in national.procedures.values() if procedure.province}
    assert {"Đắk Lắk", "Hải Phòng", "Lai Châu"} <= provinces
    assert len(provinces) < 34


def test_trap_names_of_several_codes_are_told_apart_by_province(national: Any) -> None:
    report = lint(national.procedures.values(), dt.date(2026, 7, 20))
    twins = report.findings["duplicate_name"]
    assert len(twins) > 400
    assert sum(national[code].province is not None for code in twins) > len(twins) / 2


def test_trap_the_abolished_district_is_reported(national: Any) -> None:
    report = lint(national.procedures.values(), dt.date(2026, 7, 20))
    assert 50 < len(report.findings["abolished_district"]) < 400


def test_facts_keep_their_crawl(national: Any) -> None:
    for procedure in national.procedures.values():
        for fact in (*procedure.fees, *procedure.time_limits, *procedure.documents, *procedure.channels):
            assert fact.source in procedure.sources
        assert all("/" not in (source.file or "") for source in procedure.sources.values())


def test_portal_api(portal_api: Any) -> None:
    assert (portal_api.format, len(portal_api.procedures), portal_api.rejected) == ("portal-api", 502, [])
    procedure = portal_api["1.000080"]
    source = procedure.sources["dvcqg"]
    assert (source.decision, source.decision_date) == ("163/QĐ-BTP", dt.date(2026, 1, 16))
    assert procedure.levels == [Level.COMMUNE]
    assert sum(bool(procedure.authorities) for procedure in portal_api.procedures.values()) > 450


def test_the_interface_and_the_national_file_agree(portal_api: Any, national: Any) -> None:
    """Where the national file took a record from the interface, both readers see the same."""
    shared = [
        code for code in portal_api.procedures if {channel.source for channel in national[code].channels} == {"opengov"}
    ]
    assert len(shared) > 450
    for code in shared:
        ours, theirs = portal_api[code], national[code]
        assert {(fee.status, fee.amount, fee.case) for fee in ours.fees} == {
            (fee.status, fee.amount, fee.case) for fee in theirs.fees
        }, code
        assert {(limit.quantity, limit.unit, limit.case) for limit in ours.time_limits} == {
            (limit.quantity, limit.unit, limit.case) for limit in theirs.time_limits
        }, code


def test_portal_pages(portal_page: Any, national: Any) -> None:
    assert (portal_page.format, len(portal_page.procedures), portal_page.rejected) == ("portal-page", 120, [])
    procedure = portal_page["1.002390"]
    assert [channel.kind for channel in procedure.channels] == [
        ChannelKind.ONLINE,
        ChannelKind.POST,
        ChannelKind.IN_PERSON,
    ]
    (fee,) = procedure.fees
    assert (fee.amount, fee.per, fee.channels) == (200_000, "giấy phép", [])
    counts = [(paper.originals, paper.copies) for paper in procedure.documents if paper.handling is Handling.SUBMIT]
    assert counts == [(2, 0), (1, 0), (1, 0)]
    assert [form.name for paper in procedure.documents for form in paper.forms] == ["NC14 (1).doc"]
    assert "25/2021/TT-BTC" in {basis.number for basis in procedure.legal_basis}
    same = [code for code in portal_page.procedures if code in national.procedures and national[code].has_details]
    assert len(same) > 60


def test_portal_list(justice_list: Any) -> None:
    assert (justice_list.format, len(justice_list.procedures), justice_list.rejected) == ("portal-list", 271, [])
    procedure = justice_list["3.000323"]
    assert (procedure.name, procedure.field, procedure.has_details) == (
        "Đăng ký giám sát việc giám hộ",
        "Hộ tịch",
        False,
    )


@pytest.mark.parametrize("name", [NATIONAL, "portal-api-details.tar.gz"])
def test_reading_twice_gives_the_same(name: str) -> None:
    path: Path = official(name)
    first = [getattr(item, "code", None) for _, item in zip(range(200), read(path)[1], strict=False)]
    second = [getattr(item, "code", None) for _, item in zip(range(200), read(path)[1], strict=False)]
    assert first == second
