"""Search over the real starter catalogue with the shipped model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from knowledge.catalogue import Catalogue
from knowledge.procedure import Procedure
from knowledge.search.decision import Decision
from knowledge.search.encoder import Encoder
from knowledge.search.engine import SearchEngine, is_current, rebuild
from knowledge.search.index import Index, IndexMissingError, build
from knowledge.search.ranking import Filters
from knowledge.settings import Settings


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("lam giay khai sinh cho con", "1.001193"),
        ("giấy độc thân", "1.004873"),
        ("nhập hộ khẩu vào nhà chồng", "1.004222"),
        ("ba tui mới mất giờ phải khai báo gì", "1.000656"),
        ("hết hạn cccd lm lại ở đâu v ạ", "1.014063"),
        ("ddawng kys keets hoon", "1.000894"),
        ("1.001193", "1.001193"),
    ],
)
def test_what_people_type_finds_the_procedure(starter_engine: SearchEngine, question: str, code: str) -> None:
    assert starter_engine.search(question).results[0].code == code


def test_the_plain_twin_is_meant_unless_the_special_one_is_named(starter_engine: SearchEngine) -> None:
    assert starter_engine.search("đăng ký kết hôn").results[0].code == "1.000894"
    assert starter_engine.search("đăng ký kết hôn với người nước ngoài").results[0].code == "2.000806"


def test_fields_are_recognised_beside_the_procedure(starter_engine: SearchEngine) -> None:
    found = starter_engine.search("khai tử cần giấy tờ gì và mất bao lâu")
    assert set(found.fields) == {"documents", "time"}
    assert found.to_dict()["field"] in found.fields


def test_filters_restrict(starter_engine: SearchEngine) -> None:
    hits = starter_engine.search("đăng ký", k=30, filters=Filters(field="Hộ tịch")).results
    assert hits
    assert {hit.field for hit in hits} == {"Hộ tịch"}


@pytest.mark.parametrize("text", ["", " ", "?!", "😀", "\x00", "a" * 10_000])
def test_nothing_to_search_for_is_abstained_from(starter_engine: SearchEngine, text: str) -> None:
    assert starter_engine.search(text).decision in (Decision.ABSTAIN, Decision.CLARIFY)


def test_a_clarification_offers_two_to_five_options(starter_engine: SearchEngine) -> None:
    asked = [starter_engine.search(q) for q in ("thủ tục về đất đai", "đăng ký xe", "giấy phép xây dựng", "đăng ký khai sinh có yếu tố nước ngoài", "cấp lại")]
    for found in (f for f in asked if f.decision is Decision.CLARIFY):
        assert found.clarification is not None
        assert 2 <= len(found.clarification.options) <= 5
        assert len({option.label for option in found.clarification.options}) == len(found.clarification.options)
    assert any(found.decision is Decision.CLARIFY for found in asked)


def test_only_changed_texts_are_embedded_again(tmp_path: Path, starter_settings: Settings) -> None:
    encoder = Encoder.load(starter_settings.encoder, runtime=starter_settings.encoder_runtime)
    first = [Procedure(code="1.000001", name="Việc một"), Procedure(code="1.000002", name="Việc hai")]
    assert build(tmp_path / "i", first, encoder, "1").embedded == 2
    report = build(tmp_path / "i", [*first, Procedure(code="1.000003", name="Việc ba")], encoder, "2")
    assert (report.procedures, report.embedded, report.reused) == (3, 1, 2)
    assert len(Index.open(tmp_path / "i", encoder).cards) == 3


def test_an_index_of_another_model_is_refused(tmp_path: Path, starter_settings: Settings) -> None:
    encoder = Encoder.load(starter_settings.encoder, runtime=starter_settings.encoder_runtime)
    build(tmp_path / "i", [Procedure(code="1.000001", name="Việc một")], encoder, "1")
    meta = tmp_path / "i" / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"encoder": "another"}))
    with pytest.raises(IndexMissingError, match="motcua index"):
        Index.open(tmp_path / "i", encoder)


def test_an_index_is_current_until_the_catalogue_changes(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    catalogue = Catalogue.open(settings)
    catalogue.import_records("a", "office", [Procedure(code="1.000001", name="Việc một")])
    assert not is_current(settings)
    rebuild(settings)
    assert is_current(settings)
    catalogue.import_records("b", "office", [Procedure(code="1.000001", name="Việc một sửa")])
    assert not is_current(settings)


def test_an_empty_catalogue_abstains(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    Catalogue.open(settings)
    rebuild(settings)
    assert SearchEngine.open(settings).search("khai sinh").decision is Decision.ABSTAIN


@pytest.fixture(scope="module")
def provincial_engine(tmp_path_factory: pytest.TempPathFactory, starter_settings: Settings) -> SearchEngine:
    """One procedure that the nation and two provinces have a record of, and something else."""
    encoder = Encoder.load(starter_settings.encoder, runtime=starter_settings.encoder_runtime)
    folder = tmp_path_factory.mktemp("provincial") / "i"
    name = "Hỗ trợ tiền ăn trưa cho trẻ mẫu giáo"
    procedures = [
        Procedure(code="1.000001", name=name),
        Procedure(code="1.000002", name=name, province="Đắk Lắk"),
        Procedure(code="1.000003", name=name, province="Huế"),
        Procedure(code="1.000004", name="Cấp giấy phép khai thác khoáng sản"),
    ]
    build(folder, procedures, encoder, "1")
    return SearchEngine(Index.open(folder, encoder), encoder)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("hỗ trợ tiền ăn trưa cho trẻ", "1.000001"),
        ("thuê người nấu, hỗ trợ tiền ăn trưa cho trẻ", "1.000001"),
        ("hỗ trợ tiền ăn trưa cho trẻ ở Huế", "1.000003"),
        ("hỗ trợ tiền ăn trưa cho trẻ ở Phú Yên", "1.000002"),
        ("ho tro tien an trua cho tre o buon ma thuot", "1.000002"),
        ("hỗ trợ tiền ăn trưa cho trẻ ở Cà Mau", "1.000001"),
    ],
)
def test_a_provinces_own_record_is_meant_where_the_province_is_named(
    provincial_engine: SearchEngine, question: str, code: str
) -> None:
    assert provincial_engine.search(question).results[0].code == code


def test_a_filter_takes_a_province_by_its_former_name(provincial_engine: SearchEngine) -> None:
    found = provincial_engine.search("hỗ trợ tiền ăn trưa", filters=Filters(province="Phú Yên")).results
    assert {hit.code for hit in found} == {"1.000001", "1.000002", "1.000004"}


def test_the_record_of_a_province_is_found_by_another_one(provincial_engine: SearchEngine) -> None:
    assert provincial_engine.in_province("1.000001", {"Huế"}) == "1.000003"
    assert provincial_engine.in_province("1.000003", {"Đắk Lắk"}) == "1.000002"
    assert provincial_engine.in_province("1.000001", {"Cà Mau"}) is None
    assert provincial_engine.in_province("1.000004", {"Huế"}) is None
