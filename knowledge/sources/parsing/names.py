"""Names, codes, levels, provinces and lists of the official records."""

from __future__ import annotations

import re
import unicodedata

from knowledge.procedure import CODE_PATTERN, ChannelKind, Level

from .text import capitalise, clean, clean_line, strip_bullets

LEVELS: dict[str, Level] = {
    "cấp xã": Level.COMMUNE,
    "cấp tỉnh": Level.PROVINCE,
    "cấp bộ": Level.MINISTRY,
    "cơ quan khác": Level.OTHER,
    "cấp huyện": Level.OTHER,  # abolished on 1 July 2025; who took it over the record does not say
}
CHANNELS: dict[str, ChannelKind] = {
    "trực tiếp": ChannelKind.IN_PERSON,
    "trực tuyến": ChannelKind.ONLINE,
    "dịch vụ bưu chính": ChannelKind.POST,
    "bưu chính": ChannelKind.POST,
    "direct": ChannelKind.IN_PERSON,
    "online": ChannelKind.ONLINE,
    "postal": ChannelKind.POST,
    "post": ChannelKind.POST,
}
NO_CONDITION = {
    "",
    "không",
    "không có",
    "không quy định",
    "không có thông tin",
    "chưa quy định",
    "không có yêu cầu điều kiện",
    "không có yêu cầu, điều kiện",
    "không yêu cầu",
    "không có điều kiện",
    "không có quy định",
    "n/a",
    "null",
    "không có yêu cầu",
    "không quy định cụ thể",
    "không có yêu cầu hoặc điều kiện",
    "không có yêu cầu, điều kiện thực hiện",
    "không có yêu cầu điều kiện thực hiện",
}
ABBREVIATIONS = {
    "UBND",
    "HĐND",
    "TTHC",
    "BHXH",
    "BHYT",
    "BHTN",
    "CCCD",
    "CMND",
    "QSDĐ",
    "ASEAN",
    "ODA",
    "FDI",
    "VNEID",
    "TNHH",
    "MTV",
    "TP",
    "HTX",
    "ATTP",
    "VSATTP",
    "PCCC",
    "GCN",
    "KCB",
    "DNNN",
    "TW",
    "HIV",
    "AIDS",
    "GMP",
    "GPP",
    "GDP",
    "CFS",
    "CO",
    "GMS",
    "CLV",
    "ADS",
    "TAD",
    "CITES",
    "II",
    "III",
    "IV",
    "VI",
    "VII",
    "USD",
}
PROPER_NOUNS = (
    "Việt Nam",
    "Lào",
    "Campuchia",
    "Trung Quốc",
    "Hoa Kỳ",
    "Nhật Bản",
    "Hàn Quốc",
    "Chính phủ",
    "Nhà nước",
    "Quốc hội",
    "Bộ Công an",
    "Bộ Quốc phòng",
    "Bộ Tư pháp",
    "Bộ Y tế",
    "Bộ Tài chính",
    "Bộ Nội vụ",
    "Bộ Ngoại giao",
    "Bộ Xây dựng",
    "Bộ Công Thương",
    "Hà Nội",
    "Hải Phòng",
    "Huế",
    "Đà Nẵng",
    "Cần Thơ",
    "Hồ Chí Minh",
    "Đắk Lắk",
    "Gia Lai",
    "Lai Châu",
    "Lào Cai",
    "Lạng Sơn",
    "Đồng Tháp",
    "Đồng Nai",
    "Thanh Hóa",
    "Bắc Ninh",
    "Quảng Ninh",
    "Quảng Trị",
    "Quảng Ngãi",
    "Khánh Hòa",
    "Lâm Đồng",
    "Tây Ninh",
    "An Giang",
    "Cà Mau",
    "Vĩnh Long",
    "Nghệ An",
    "Hà Tĩnh",
    "Điện Biên",
    "Sơn La",
    "Cao Bằng",
    "Thái Nguyên",
    "Tuyên Quang",
    "Phú Thọ",
    "Hưng Yên",
    "Ninh Bình",
    "Tổ quốc",
    "Bà mẹ Việt Nam anh hùng",
)
_PROVINCE = re.compile(
    r"^(?:UBND|Ủy ban nhân dân|Uỷ ban nhân dân)\s+(?:tỉnh|thành phố|TP\.?)\s+(?P<name>.+)$", re.IGNORECASE
)
_CODE = re.compile(CODE_PATTERN)
_PAGE_FOOTER = re.compile(
    r"\s*Không có thông tin\s*(?=Từ khóa)|Từ khóaKhông có thông tin[\s\S]*$|"
    r"Chọn cơ quan thực hiện\s*Tỉnh/ ?Thành phố[\s\S]*$"
)
_RESULT_CODE = re.compile(r"\s*\(Mã:\s*`[^`]*`\)|Mã:\s*[A-Z0-9.\-]*KQ[A-Z0-9.\-]*", re.IGNORECASE)
_STEP = re.compile(r"\n+|\s+(?=(?:[-–+*]\s*)?Bước\s*\d+\s*[.:])")


def read_code(value: object) -> str:
    """A procedure's code without blanks around it; ValueError if it is none."""
    code = clean_line(value) if isinstance(value, str) else ""
    if not _CODE.match(code):
        raise ValueError(f"not a procedure code: {value!r}"[:120])
    return code


def read_name(value: object) -> str:
    """The official name; one written in capitals comes in sentence case."""
    name = clean_line(value)
    letters = [letter for letter in name if letter.isalpha()]
    if len(letters) > 12 and sum(letter.isupper() for letter in letters) / len(letters) > 0.85:
        return sentence_case(name)
    return name


def sentence_case(text: str) -> str:
    """Capitals to sentence case; abbreviations, numbers of laws and proper nouns keep theirs."""
    words = [word if _keeps_capitals(word) else word.lower() for word in text.split(" ")]
    result = " ".join(words)
    for noun in PROPER_NOUNS:
        result = re.sub(rf"(?<!\w){re.escape(noun)}(?!\w)", noun, result, flags=re.IGNORECASE)
    start = re.match(r"\W*", result)
    at = start.end() if start else 0
    return result[:at] + capitalise(result[at:])


def _keeps_capitals(word: str) -> bool:
    core = word.strip("().,;:“”\"'")
    return (
        core.upper() in ABBREVIATIONS
        or any(letter.isdigit() for letter in core)
        or (
            len(core) >= 2
            and not re.search("[aeiouy]", unicodedata.normalize("NFD", core.lower()))
            and core.isalpha()
            and core != "Đ"
        )
    )


def read_levels(values: list[str]) -> list[Level]:
    """Levels of government, each once, the nearest to the citizen first."""
    found = {LEVELS[folded] for value in values if (folded := clean_line(value).lower()) in LEVELS}
    return [level for level in Level if level in found]


def read_channel(value: object) -> ChannelKind | None:
    """The way to file that a cell names."""
    return CHANNELS.get(clean_line(value).lower())


def read_province(promulgator: str) -> str | None:
    """The province whose committee published the procedure: "UBND tỉnh Lai Châu" gives "Lai Châu"."""
    match = _PROVINCE.match(clean_line(promulgator))
    return match["name"].strip() if match else None


def split_list(value: object, separators: str = r"[;\n]") -> list[str]:
    """Parts of a list in one cell, without blanks and repetitions."""
    parts = [part.strip(" -–*;.") for part in re.split(separators, clean(value))]
    return list(dict.fromkeys(part for part in parts if part))


def without_page_footer(text: object) -> str:
    """Text without what the page prints after the last cell (keywords, a form to choose an office)."""
    return _PAGE_FOOTER.sub("", clean(text)).strip()


def read_steps(value: object) -> list[str]:
    """Steps in order, split at lines and at "Bước n"."""
    return [part.strip() for part in _STEP.split(clean(value)) if part and part.strip(" -.–")]


def read_conditions(value: object) -> list[str]:
    """Conditions, split at lines; "Không" and its like are none."""
    text = without_page_footer(value)
    if strip_bullets(text).strip(" .:;-").lower() in NO_CONDITION:
        return []
    return [line.strip() for line in text.split("\n") if line.strip(" -.–+")]


def read_results(value: object) -> list[str]:
    """Results, without the portal's codes for them."""
    text = without_page_footer(value)
    lines = [strip_bullets(part).strip(" .;") for part in _RESULT_CODE.sub("\n", text).split("\n")]
    kept = [line for line in lines if line and line.lower() not in ("không có thông tin", "không có", "không")]
    return list(dict.fromkeys(capitalise(line) for line in kept))
