"""Write ``knowledge/communes.json``: present communes with the former ones they were made of, and former districts.

    pip install vietnamadminunits==1.0.4 && python -m tools.search.places

The package (MIT) knows all of this, but importing it costs half a second and 60 MB, because its address parser
comes along with shapely and geopy; names are all that is needed here. So they are taken out once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from vietnamadminunits.converter import converter_2025
from vietnamadminunits.database import get_data

TARGET = Path(__file__).parents[2] / "knowledge" / "communes.json"
_PACKAGE = "vietnamadminunits"


def province_of() -> dict[str, str]:
    """Key of a former province → key of the present one."""
    return {old: new for new, former in converter_2025.DICT_PROVINCE.items() for old in former}


def successors() -> dict[tuple[str, str], list[str]]:
    """(Key of the present province, key of a former commune) → keys of the present communes."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for province, communes in converter_2025.DICT_PROVINCE_WARD_NO_DIVIDED.items():
        for commune, former in communes.items():
            for key in former:
                found[province, key].append(commune)
    for province, former in converter_2025.DICT_PROVINCE_WARD_DIVIDED.items():
        for key, communes in former.items():
            found[province, key] += [commune["newWardKey"] for commune in communes]
    return found


def places() -> dict[str, dict[str, Any]]:
    """By present province: its communes, each with the names of its former ones, and the former districts."""
    short: dict[str, str] = {}
    names: dict[tuple[str, str], str] = {}
    result: dict[str, dict[str, Any]] = {}
    for row in get_data(["province", "provinceShort", "provinceKey", "ward", "wardKey"]):
        short[row["provinceKey"]] = row["provinceShort"]
        names[row["provinceKey"], row["wardKey"]] = row["ward"]
        result.setdefault(row["provinceShort"], {"communes": {}, "districts": []})["communes"][row["ward"]] = []
    present, made_into = province_of(), successors()
    for row in get_data(["provinceKey", "district", "districtKey", "ward", "wardKey"], table="admin_units_legacy"):
        province = present[row["provinceKey"]]
        own = result[short[province]]
        if row["district"] not in own["districts"]:
            own["districts"].append(row["district"])
        key = f"{row['provinceKey']}_{row['districtKey']}_{row['wardKey'] or ''}"
        for commune in made_into[province, key]:
            former = own["communes"][names[province, commune]]
            if row["ward"] and row["ward"] not in former:
                former.append(row["ward"])
    return result


def main() -> None:
    package = distribution(_PACKAGE)
    licence = next(file for file in package.files or [] if file.name == "LICENSE").read_text()
    data = {"source": f"{_PACKAGE} {package.version}", "licence": " ".join(licence.split()), "provinces": places()}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    TARGET.write_text(text.replace(',"Xã ', ',\n"Xã ').replace(',"Phường ', ',\n"Phường ') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
