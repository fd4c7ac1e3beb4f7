"""Units in links: known ones in any spelling, nothing else."""

from __future__ import annotations

import unicodedata

import pytest

from connectors.surveys.units import link_name, unit_named
from knowledge.settings import Settings

SETTINGS = Settings(commune="Xã Mẫu", survey_offices=["Chi nhánh số 2", "Tổ Hòa", "Tổ Hóa"])


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("Xã Mẫu", "Xã Mẫu"),
        ("xã  mẫu", "Xã Mẫu"),
        ("xa-mau", "Xã Mẫu"),
        ("chi-nhanh-so-2", "Chi nhánh số 2"),
        ("phường láng", "Phường Láng"),
        (unicodedata.normalize("NFD", "Phường Láng"), "Phường Láng"),
        ("Xã Tân Lập, tỉnh Lâm Đồng", "Xã Tân Lập, Lâm Đồng"),
        ("Xã Tân Lập", "Xã Tân Lập"),
        ("Phường Láng lừa đảo", None),
        ("Lừa đảo, Phường Láng", None),
        ("Xã Tân Lập, tỉnh Cà Mau", None),
        ("Quận Đống Đa", None),
        ("", None),
        ("a" * 500, None),
    ],
)
def test_units(text: str, unit: str | None) -> None:
    assert unit_named(text, SETTINGS) == unit


@pytest.mark.parametrize("unit", ["Xã Mẫu", "Chi nhánh số 2", "Tổ Hòa", "Tổ Hóa", "Phường Láng"])
def test_a_links_name_leads_back_to_the_unit(unit: str) -> None:
    assert unit_named(link_name(unit, SETTINGS), SETTINGS) == unit


def test_links_of_own_offices_can_be_typed_unless_two_would_be_alike() -> None:
    assert link_name("Chi nhánh số 2", SETTINGS) == "chi-nhanh-so-2"
    assert link_name("Tổ Hòa", SETTINGS) == "Tổ Hòa"
    assert link_name("Phường Láng", SETTINGS) == "Phường Láng"
