"""Places in messages: present and former names, with and without accents, and words that only look like places."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest

from knowledge.places import (
    Commune,
    communes_in,
    present_province,
    provinces_in,
    without_places,
)
from knowledge.places import _known as places_by_hand
from knowledge.text import fold

OURS = Path(__file__).parents[2] / "knowledge" / "communes.json"


@pytest.mark.parametrize(
    ("text", "provinces"),
    [
        ("hỗ trợ học phí ở Đắk Lắk", ["Đắk Lắk"]),
        ("ho tro hoc phi o dak lak", ["Đắk Lắk"]),
        ("tôi ở DakLak", ["Đắk Lắk"]),
        ("đắc lắc", ["Đắk Lắk"]),
        ("ở Buôn Mê Thuột làm sổ đỏ", ["Đắk Lắk"]),
        ("Phú Yên cũ", ["Đắk Lắk"]),
        ("em ở Hà Nội ạ", ["Hà Nội"]),
        ("làm ở TP.HCM", ["Hồ Chí Minh"]),
        ("tphcm", ["Hồ Chí Minh"]),
        ("q10 lam ho khau", ["Hồ Chí Minh"]),
        ("bà rịa vũng tàu", ["Hồ Chí Minh"]),
        ("hộ khẩu Bình Dương", ["Hồ Chí Minh"]),
        ("từ Sài Gòn về Đà Lạt", ["Hồ Chí Minh", "Lâm Đồng"]),
        ("thue nha o hue", ["Huế"]),
        ("Thừa Thiên - Huế", ["Huế"]),
        ("o tp vinh lam ho chieu", ["Nghệ An"]),
        ("ở tỉnh hoà bình", ["Phú Thọ"]),
        ("THỦ TỤC CẤP LẠI SỔ ĐỎ Ở HÒA BÌNH", ["Phú Thọ"]),
        ("ở an giang", ["An Giang"]),
        ("thu tuc ho tro hoc phi hai phong", ["Hải Phòng"]),
        ("Qui Nhơn", ["Gia Lai"]),
        ("huyện Đơn Dương", ["Lâm Đồng"]),
        ("huyện Quảng Ninh", ["Quảng Trị"]),  # a district of the former Quảng Bình
        ("tỉnh Quảng Ninh", ["Quảng Ninh"]),
        ("cấp xã Đồng Nai", ["Đồng Nai"]),
        ("chuyen ho khau tu thanh hoa vao dak lak", ["Thanh Hóa", "Đắk Lắk"]),
        ("thị trấn Lao Bảo", ["Quảng Trị"]),
        ("quê ở Mường Nhé", ["Điện Biên"]),
        ("P. Bến Nghé", ["Hồ Chí Minh"]),
    ],
)
def test_provinces_are_found_by_present_and_former_names(text: str, provinces: list[str]) -> None:
    assert provinces_in(text) == provinces


@pytest.mark.parametrize(
    "text",
    [
        "thuê nhà trọ", "thue nha", "chị Huệ hỏi", "nhà ở phố Huế", "đường Nha Trang", "xa lộ Hà Nội",
        "vinh danh người có công", "quang vinh", "ở vinh danh", "lực lượng gìn giữ hòa bình", "giao an giang day",
        "giáo án giảng dạy", "nha hai phong tro", "thuê hai phòng trọ", "o hai phong tro", "nha da nang",
        "xây nhà đa năng", "danh gia lai dat", "5 nam dinh cu", "can tho xay nha", "nghe an toan", "dien bien benh",
        "ca mau don nao", "Thái Bình Dương", "Đoàn Thanh niên Cộng sản Hồ Chí Minh", "giải thưởng Hồ Chí Minh",
        "công ty Thái Bình", "con tên Hồng Bàng", "cơ quan 2 cấp", "co quan 2 cap", "ủy ban nhân dân xã", "địa phương",
        "hợp tác xã An Bình", "xã Tân Tiến", "nang cao bang lai", "",
    ],
)  # fmt: skip
def test_words_that_only_look_like_places_name_none(text: str) -> None:
    assert provinces_in(text) == []


@pytest.mark.parametrize(
    ("text", "provinces"),
    [("vinh", ["Nghệ An"]), ("hòa bình", ["Phú Thọ"]), ("da nang", ["Đà Nẵng"]), ("em ở mường lát ạ", ["Thanh Hóa"]),
     ("đơn dương", ["Lâm Đồng"]), ("cần giấy tờ gì", []), ("12", []), ("Tân Tiến", [])],
)  # fmt: skip
def test_a_bare_name_will_do_where_a_place_was_asked_for(text: str, provinces: list[str]) -> None:
    assert provinces_in(text, awaited=True) == provinces


def test_communes_are_found_by_former_names_and_narrowed_by_the_province() -> None:
    assert communes_in("ở phường Buôn Ma Thuột") == [Commune("Phường Buôn Ma Thuột", "Đắk Lắk")]
    assert communes_in("phường Bến Nghé cũ") == [Commune("Phường Sài Gòn", "Hồ Chí Minh")]
    assert len({commune.province for commune in communes_in("xã Tân Tiến")}) > 5
    narrowed = communes_in("xã Tân Tiến, tỉnh Đồng Nai")
    assert Commune("Xã Tân Tiến", "Đồng Nai") in narrowed
    assert {commune.province for commune in narrowed} == {"Đồng Nai"}
    assert communes_in("o xa trung tam cua tinh") == communes_in("ở xã biên giới") == communes_in("Tân Tiến") == []
    assert Commune("Xã Hòa Hội", "Tây Ninh") in communes_in("ở xã Biên Giới")


def test_names_can_be_taken_out() -> None:
    assert without_places("hỗ trợ học phí ở tỉnh Đắk Lắk cần gì") == "hỗ trợ học phí ở cần gì"
    assert without_places("thuê hai phòng trọ") == "thuê hai phòng trọ"


def test_a_province_is_called_by_its_present_name() -> None:
    assert present_province("Tỉnh Bình Dương") == "Hồ Chí Minh"
    assert present_province("Đắk Lắk") == "Đắk Lắk"
    assert present_province("") == ""
    assert present_province("Viêng Chăn") == "Viêng Chăn"


def test_every_name_written_by_hand_leads_to_its_province() -> None:
    for province, names in places_by_hand()["provinces"].items():
        for name in (province, *names["former"], *names["also"], *names["towns"]):
            for typed in (name, fold(name), name.lower()):
                assert provinces_in(typed, awaited=True) == [province], typed


def test_units_agree_with_the_official_lists(shared: Path) -> None:
    folder = shared / "data" / "units"
    ours = json.loads(OURS.read_text(encoding="utf-8"))["provinces"]
    official = json.loads((folder / "units-2026-07.json").read_text(encoding="utf-8"))
    named = {present_province(row["name"]): {_plain(ward["name"]) for ward in row["wards"]} for row in official}
    assert set(named) == set(ours) == set(places_by_hand()["provinces"])
    missing = {(p, name) for p, names in named.items() for name in names - {_plain(c) for c in ours[p]["communes"]}}
    assert sum(len(row["wards"]) for row in official) == sum(len(own["communes"]) for own in ours.values()) == 3321
    assert len(missing) <= 33, sorted(missing)  # wards are renamed now and then; the list is of another month


def test_former_communes_agree_with_the_official_list(shared: Path) -> None:
    ours: dict[str, set[str]] = defaultdict(set)
    for province, own in json.loads(OURS.read_text(encoding="utf-8"))["provinces"].items():
        ours[province] = {_plain(name) for present, former in own["communes"].items() for name in (present, *former)}
    rows = list(csv.reader((shared / "data" / "units" / "communes-2025-with-former-units.csv").open(encoding="utf-8")))[
        1:
    ]
    former = {(present_province(row[0]), _plain(name.split("(")[0])) for row in rows for name in row[2].split(",")}
    known = {(province, name) for province, name in former if name in ours[province]}
    assert len(former) > 8_000
    assert len(known) / len(former) > 0.97


def _plain(name: str) -> str:
    """A unit's name without its kind, accents and marks of punctuation, which the lists spell differently."""
    words = fold(name).replace("-", " ").replace("’", "'").replace("'", "").replace("y", "i").split()
    kinds = ("thanh pho", "thi xa", "thi tran", "dac khu", "xa", "phuong", "tinh")
    kind = next((k for k in kinds if " ".join(words).startswith(f"{k} ")), "")
    return "".join(words[len(kind.split()) :])
