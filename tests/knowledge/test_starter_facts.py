"""The starter catalogue's facts equal the source's: codes, decisions, amounts, days, counts, legal texts.

The sentences are ours, so the comparison is of figures: every number that an entry states must stand
in the very record that it names.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
import tarfile
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from knowledge.procedure import Procedure
from knowledge.settings import ROOT
from tests.conftest import NATIONAL

STARTER = ROOT / "knowledge" / "starter"
ENTRIES = [
    (path.name, entry)
    for path in sorted(STARTER.glob("*.yml"))
    for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
]
NAME_ONLY = [(file, raw) for file, raw in ENTRIES if raw.get("has_details") is False]
ENTRIES = [(file, raw) for file, raw in ENTRIES if raw.get("has_details") is not False]
IDS = [f"{file}:{raw['code']}" for file, raw in ENTRIES]
LEVELS = {"Cấp xã": "commune", "Cấp tỉnh": "province", "Cấp bộ": "ministry", "Cơ quan khác": "other"}


@cache
def api_details(archive: Path) -> dict[str, dict[str, Any]]:
    with tarfile.open(archive) as tar:
        members = [m for m in tar if m.isfile() and m.name.endswith(".json")]
        records = [json.load(tar.extractfile(m))["data"] for m in members]  # type: ignore[arg-type]
    return {record["code"]: record for record in records}


@cache
def named_only() -> dict[str, dict[str, Any]]:
    with gzip.open(NATIONAL, "rt", encoding="utf-8") as lines:
        return {row["code"].strip(): row for row in map(json.loads, lines) if not row.get("has_details")}


@pytest.fixture
def details(shared: Path) -> dict[str, dict[str, Any]]:
    return api_details(shared / "data" / "catalogue" / "portal-api-details.tar.gz")


@pytest.fixture
def entry(request: pytest.FixtureRequest) -> Procedure:
    return Procedure.model_validate(request.param)


def numbers(value: object) -> set[str]:
    """All whole numbers in a record, thousands separators removed, leading zeros dropped."""
    text = json.dumps(value, ensure_ascii=False)
    found = set(re.findall(r"\d+(?:[.,]\d{3})+|\d+", text))
    return {re.sub(r"[.,]", "", n).lstrip("0") or "0" for n in found} | {n.lstrip("0") for n in re.findall(r"\d+", text)}


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFC", text)).upper()


def test_there_are_at_least_160_entries_with_unique_codes() -> None:
    codes = [raw["code"] for _file, raw in ENTRIES]
    assert len(set(codes)) >= 160
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.national
@pytest.mark.parametrize("raw", [raw for _file, raw in NAME_ONLY], ids=lambda raw: raw["code"])
def test_what_is_only_named_here_is_only_named_in_the_source(shared: Path, raw: dict[str, Any]) -> None:
    entry = Procedure.model_validate(raw)
    record = named_only()[entry.code]
    assert next(iter(entry.sources.values())).url == record["url"]
    assert len(entry.phrases) >= 5
    assert not (entry.documents or entry.fees or entry.time_limits), "no facts where the source has none"


@pytest.mark.parametrize("entry", [raw for _file, raw in ENTRIES], ids=IDS, indirect=True)
def test_an_entry_is_complete_and_ours(entry: Procedure) -> None:
    assert len(entry.phrases) >= 5
    assert entry.plain_name
    assert entry.levels
    assert entry.time_limits, "a time limit, or the status that says it is not published"
    assert entry.fees, "a fee, or the status that says it is not published"
    source = next(iter(entry.sources.values()))
    assert source.url
    assert source.retrieved == dt.date(2026, 7, 20)
    dumped = entry.model_dump_json()
    assert dumped == unicodedata.normalize("NFC", dumped)
    assert not re.search(r"(UBND|Ủy ban nhân dân) (cấp )?(quận|huyện)", dumped), "districts are gone"


@pytest.mark.national
@pytest.mark.parametrize("entry", [raw for _file, raw in ENTRIES], ids=IDS, indirect=True)
def test_an_entry_equals_its_source(
    entry: Procedure, national_records: dict[str, dict[str, Any]], details: dict[str, dict[str, Any]]
) -> None:
    record = national_records[entry.code]
    detail = details.get(entry.code)
    known = numbers([record, detail])
    source = next(iter(entry.sources.values()))

    assert source.url in (record["url"], record["url"].rstrip("/"))
    if record.get("decision"):
        assert squeezed(source.decision or "") == squeezed(record["decision"])
    elif source.decision:
        assert detail is not None
        assert squeezed(source.decision) == squeezed(detail["procedureProposal"]["proposalNumber"])
    if source.decision_date:
        assert detail is not None, "only the portal's API states the decision's date"
        moment = detail["procedureProposal"]["decisionDate"] / 1000
        assert source.decision_date == dt.datetime.fromtimestamp(moment, ZoneInfo("Asia/Ho_Chi_Minh")).date()
    if record["levels"]:
        assert {str(level) for level in entry.levels} <= {LEVELS[level] for level in record["levels"]}

    amounts = [n for fee in entry.fees for n in (fee.amount, fee.amount_to) if n]
    assert not [n for n in amounts if str(n) not in known], "amounts that the source does not state"
    times = [limit.quantity for limit in entry.time_limits if limit.quantity]
    assert not [n for n in times if f"{n:g}" not in known and str(n) not in json.dumps(record)], "times not in the source"
    text = squeezed(json.dumps([record, detail], ensure_ascii=False))
    legal = [basis.number for basis in entry.legal_basis]
    assert not [n for n in legal if squeezed(n) not in text], "legal texts not in the source"


@pytest.mark.national
@pytest.mark.parametrize("entry", [raw for _file, raw in ENTRIES], ids=IDS, indirect=True)
def test_papers_are_counted_as_in_the_source(
    entry: Procedure, national_records: dict[str, dict[str, Any]]
) -> None:
    record = national_records[entry.code]
    in_text = numbers([record["steps"], record["documents"], record.get("documents_text")])
    for kind in ("originals", "copies"):
        counts = {row[kind] for row in record["documents"]}
        stated = {n for document in entry.documents if (n := getattr(document, kind))}
        assert not {n for n in stated if n not in counts and str(n) not in in_text}, kind
    if any(row["originals"] or row["copies"] for row in record["documents"]):
        assert entry.documents, "the source lists papers"
