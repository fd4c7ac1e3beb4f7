"""Fees (phí, lệ phí, giá): the portal's value together with the text beside it.

The portal prints the value 0 as "Miễn phí" even where the text states an amount or
says that the province's council sets it. So a 0 alone is never free of charge; only
words are. An amount is given only where it is certain; otherwise the text stands.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from knowledge.procedure import ChannelKind, FeeKind, FeeStatus

from .text import (
    NO_MARK,
    UPPER,
    capitalise,
    clauses,
    clean,
    clean_line,
    closing_bracket,
    mark_rank,
    strip_bullets,
    unwrap,
)

DONG = "đồng"
DOLLAR = "USD"
CURRENCIES: dict[str, str] = {
    # The portal's ids, told apart by the texts and printed pages beside them: the first
    # stands beside "7.000 đồng/lần đăng ký" with 7000, the second beside consular fees of
    # 5 to 150 that the pages print as "20 USD". Without an id the pages print "VNĐ".
    "019b3fb2-b5b8-70ac-85e2-9409ec1eaffa": DONG,
    "019b3fb2-dee2-76ab-aa53-22d4d903a2bb": DOLLAR,
    "": DONG,
}
KINDS: dict[str, FeeKind] = {"FEE": FeeKind.FEE, "SERVICE_FEE": FeeKind.CHARGE, "PRICE_LEVEL": FeeKind.PRICE}
SMALLEST_CERTAIN = 1000
"""A bare value below this many đồng is no certain amount: clerks type 100 for 100.000."""

NOT_PUBLISHED_TEXTS = {
    "",
    "không quy định",
    "chưa quy định",
    "không có thông tin",
    "chưa có",
    "chưa có quy định",
    "chưa quy định cụ thể",
    "n/a",
    "đồng",
    "phí",
    "lệ phí",
    "vnđ",
    "0",
    "-",
    "null",
    "none",
    "không có quy định",
    "không quy định cụ thể",
    "không quy định về phí, lệ phí",
    "chưa ban hành",
    "đang cập nhật",
    "0 đồng",
}
_FREE = re.compile(
    r"^(?:(?:thủ tục này |hiện nay |phí|lệ phí|phí[,/]? (?:và )?lệ phí)\s*:?\s*)?(?:miễn(?: thu)?(?: "
    r"phí| lệ phí| phí[,/]? (?:và )?lệ phí)?|không(?: có| mất| thu| phải nộp|"
    r" thu tiền)?(?: các khoản)?(?: phí| lệ phí| tiền)?(?:\s*(?:[,/]|và|hoặc)\s*lệ phí)?|"
    r"không đồng)(?: đồng)?$",
    re.IGNORECASE,
)

_FIGURE = (
    r"\d{1,3}(?:[.,]\s?\d{3})+(?![\d%])|\d+(?:[.,]\d{1,3})?(?=\s*(?:triệu|nghìn|ngàn|tỷ))|"
    r"\d{3,9}(?=\s*(?:đồng|đ\b|vnđ|vnd|việt nam đồng))|(?<![\d.,])0(?=\s*(?:đồng|đ\b))"
)
_SCALE = r"(?:\s*(?P<scale>triệu|nghìn|ngàn|tỷ))?"
_MONEY_WORD = r"(?:việt nam đồng|đồng(?: việt nam)?|đ\b|vnđ|vnd)"
AMOUNT = re.compile(
    rf"(?<![\d.,/])(?P<figure>{_FIGURE})(?![.,]?\d){_SCALE}\s*(?P<word>{_MONEY_WORD})?(?!\s*/\s*\d{{4}}/" rf")(?!\s*%)",
    re.IGNORECASE,
)
_AMOUNT_BARE = rf"(?<![\d.,/])(?:{_FIGURE})(?:\s*(?:triệu|nghìn|ngàn|tỷ))?\s*{_MONEY_WORD}?"
_RANGE = re.compile(rf"(?:từ\s+)?(?P<low>{_AMOUNT_BARE})\s*(?:-|–|đến|tới)\s*(?P<high>{_AMOUNT_BARE})", re.IGNORECASE)
_PER = re.compile(
    r"^\s*(?:\(?(?:[^\W\d_]+ mươi|một|hai|"
    r"[\w ]{3,40} đồng)\)?)?\s*(?:/\s*(?P<slash>(?:\d{1,2}\s*)?(?:lần[^\W\d_]* |01 |"
    r"1 )?[^\W\d_][^().;:,+]{0,60}(?:/\s*\d{0,2}\s*[^\W\d_][^().;:,+]{0,40})*)|(?:cho |một |trên |"
    r"mỗi )(?:mỗi |một |01 |1 )?(?P<word>(?:hồ sơ|giấy|bản|lần|trường hợp|người|sản phẩm|thẻ|"
    r"sổ)[^().;:,]{0,30}))",
    re.IGNORECASE,
)
_PER_STOP = re.compile(
    r"\s+(?:đối với|trường hợp|nếu|theo|tại|kể từ|áp dụng|cho|thu|khi|được|quy định|và|từ|do|trong|gồm|"
    r"bao gồm|bằng|-|–|hoặc)\b|\s[-–+]\s|\n",
    re.IGNORECASE,
)

_COUNCIL = re.compile(
    r"(?:hội đồng nhân dân|hđnd|ủy ban nhân dân|uỷ ban nhân dân|ubnd)[^.;]{0,110}?(?:quy định|"
    r"quyết định|ban hành)|(?:theo|thực hiện)[^.;]{0,60}?(?:nghị quyết|quy định|quyết định|"
    r"mức thu)[^.;]{0,30}(?:của|do)\s+(?:hội đồng nhân dân|hđnd|ủy ban nhân dân|"
    r"ubnd)[^.;]{0,20}(?:tỉnh|thành phố|địa phương)"
    r"|(?:theo|do) (?:quy định của |mức thu của )?địa phương|theo quy định của (?:từng )?(?:tỉnh|địa phương)",
    re.IGNORECASE,
)
_SHARED_POWER = re.compile(r"(?:hoặc|và|,)\s+(?:hội đồng nhân dân|hđnd)|(?:nghị quyết|quyết định) số", re.IGNORECASE)
_LAW = re.compile(
    r"thông tư|nghị định|nghị quyết|quyết định|luật|pháp lệnh|quy định|biểu (?:mức|phí|thu|giá)|"
    r"văn bản (?:kèm|đính|giá)|đính kèm|kèm theo|tra cứu|phụ lục|hợp đồng|thỏa thuận|thoả thuận|"
    r"niêm yết|theo|bảng giá|tt-btc|bộ tài chính",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"\d+(?:[.,]\d+)?\s*%")
_FOREIGN = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:USD|đô la|euro|EUR|\$)", re.IGNORECASE)
_EXEMPTION = re.compile(
    r"^(?:\W*)(?:(?:các )?(?:đối tượng|trường hợp)[^.;:]{0,30}(?:được )?miễn|miễn\b|không (?:thu|"
    r"phải nộp)[^.;]{0,40}(?:đối với|cho|khi|trường hợp)|được miễn|giảm\b|(?:các )?(?:đối tượng|"
    r"trường hợp)[^.;:]{0,30}giảm|người nộp[^.;]{0,60}(?:thuộc[^.;]{0,30})?miễn)"
    r"|\b(?:được miễn|thì được miễn|miễn (?:thu )?(?:phí|lệ phí|nộp)[^.;]{0,20}(?:đối với|cho|khi|trong))",
    re.IGNORECASE,
)
_VALIDITY = re.compile(
    r"(?:kể )?từ (?:ngày )?(\d{1,2})/(\d{1,2})/(\d{4})(?:[^.;]{0,40}?đến (?:hết )?(?:ngày "
    r")?(\d{1,2})/(\d{1,2})/(\d{4}))?",
    re.IGNORECASE,
)
_UNTIL = re.compile(r"đến (?:hết )?(?:ngày )?(\d{1,2})/(\d{1,2})/(\d{4})", re.IGNORECASE)
_ONLINE = re.compile(r"trực tuyến|cổng dịch vụ công|môi trường (?:điện tử|mạng)|qua mạng", re.IGNORECASE)
_IN_PERSON = re.compile(r"nộp hồ sơ trực tiếp|nộp trực tiếp|hình thức trực tiếp", re.IGNORECASE)
_POST = re.compile(r"bưu chính", re.IGNORECASE)
_CITATION = re.compile(
    r"(?:số\s*)?\d+(?:\.\d+)?/(?:\d{4}/)?(?-i:[A-ZĐ]{1,6}[-–]|QH\d|NQ)[\w\-–Đ]*|"
    r"ngày\s+\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|ngày\s+\d{1,2} tháng \d{1,2} năm \d{4}",
    re.IGNORECASE,
)
_HEAD = re.compile(
    r"(?P<amount>\d{1,3}(?:,\d{3})*(?:\.\d+)?)\s*(?P<currency>Việt Nam Đồng|VNĐ|USD|Đô la Mỹ)|"
    r"(?P<free>Miễn phí)|(?P<none>Không có thông tin)",
)


_Period = tuple[dt.date | None, dt.date | None]


@dataclass(frozen=True, slots=True)
class RawFee:
    """A fee as a source gives it: a value (None if absent), its currency ("" if unknown) and a text."""

    value: float | None = None
    currency: str = DONG
    text: str = ""
    kind: FeeKind | None = None
    printed: str = ""  # what the portal prints for the value, such as "Miễn phí"


@dataclass(frozen=True, slots=True)
class ParsedFee:
    """A fee before it knows its channels; ``amount`` is in đồng. ``only`` are channels that the text names."""

    status: FeeStatus
    kind: FeeKind | None = None
    amount: int | None = None
    amount_to: int | None = None
    per: str | None = None
    name: str | None = None
    case: str | None = None
    text: str | None = None
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    only: tuple[ChannelKind, ...] = ()


@dataclass(frozen=True, slots=True)
class FeesRead:
    """What one fee row says; ``leftover`` is text meant to be read that could not be."""

    fees: tuple[ParsedFee, ...]
    exemptions: tuple[str, ...] = ()
    leftover: str | None = None


def to_dong(figure: str, scale: str | None = None) -> int:
    """Đồng of a written figure: "7,000", "25.000", "02" with scale "triệu"."""
    figure = figure.replace(" ", "")
    if scale:
        factor = {"triệu": 1_000_000, "nghìn": 1000, "ngàn": 1000, "tỷ": 1_000_000_000}[scale.lower()]
        return round(float(figure.replace(",", ".")) * factor)
    return int(re.sub(r"[.,]", "", figure))


def split_printed(text: str) -> tuple[list[RawFee], str]:
    """Split what a page prints for a way to file: fees, each with its text in brackets, then the remark.

    ``"200,000 Việt Nam Đồng(200.000 VNĐ/giấy)nộp tại ..."`` gives one fee and "nộp tại ...".
    """
    fees: list[RawFee] = []
    rest = text
    while match := _HEAD.match(rest.lstrip()):
        rest = rest.lstrip()[match.end() :]
        note = ""
        if rest.startswith("("):
            end = closing_bracket(rest)
            note, rest = (rest[1:end], rest[end + 1 :]) if end > 0 else (rest[1:], "")
        value, currency = 0.0, DONG
        if match["amount"]:
            value = float(match["amount"].replace(",", ""))
            currency = DONG if match["currency"] in ("Việt Nam Đồng", "VNĐ") else DOLLAR
        fees.append(RawFee(None if match["none"] else value, currency, note, printed=match[0]))
    return fees, rest.strip()


_OLD_HEAD = re.compile(
    r"(?P<kind>Lệ phí|Phí|Giá)\s*:\s*(?P<body>.*?)(?=\s*(?:\n|(?<=\))\s)\s*(?:Lệ phí|Phí|Giá)\s*:|$)", re.DOTALL
)
_OLD_BODY = re.compile(r"^(?P<value>[\d.,]+|[Kk]hông|o)?\s*(?P<currency>Đồng|USD|%)?\s*(?P<text>.*)$", re.DOTALL)


def split_old_print(text: str) -> list[RawFee]:
    """Split the older portal's print: ``"Phí : 2.000.000 Đồng (Thẩm định ...)\\nLệ phí : 0 Đồng"``."""
    fees: list[RawFee] = []
    for match in _OLD_HEAD.finditer(text):
        kind = {"Lệ phí": FeeKind.CHARGE, "Phí": FeeKind.FEE, "Giá": FeeKind.PRICE}[match["kind"]]
        body = _OLD_BODY.match(match["body"].strip())
        assert body is not None  # every part of the pattern is optional
        words, value = unwrap(clean(body["text"])), None
        if body["currency"] and body["value"] and re.search(r"\d", body["value"]):
            written = body["value"]
            foreign = body["currency"] == "USD"
            value = float(written.replace(",", ".")) if foreign else float(re.sub(r"[.,]", "", written))
        elif body["value"] and body["value"].lower() == "không":
            words = words or "Không"
        elif body["value"] == "o":
            value = 0.0
        else:
            words = clean(match["body"])
        fees.append(
            RawFee(
                value,
                DOLLAR if body["currency"] == "USD" else DONG,
                words,
                kind,
                printed=clean_line(match["body"])[:40],
            )
        )
    return fees


@lru_cache(maxsize=2048)  # the ways to file mostly repeat one text
def parse_fee(raw: RawFee) -> FeesRead:
    """Read one fee row into certain fees, exemptions and what is left over."""
    text = _tidy(raw.text)
    plain = strip_bullets(text).strip(" .:;,").lower()
    value = raw.value
    foreign = raw.currency != DONG
    if plain in NOT_PUBLISHED_TEXTS:
        return _from_value(raw)
    if (
        value
        and not foreign
        and re.fullmatch(r"(?:vnđ|đồng)?\s*/?\s*[^\d;]{1,40}", plain)
        and (raw.text.lstrip(" (").startswith("/") or plain.startswith(("đồng/", "vnđ/", "/")))
    ):
        read = _from_value(raw)
        return replace(
            read,
            fees=tuple(
                replace(fee, per=_clean_per(plain.split("/", 1)[-1])) if fee.status is FeeStatus.AMOUNT else fee
                for fee in read.fees
            ),
        )
    if not value and _FREE.match(plain):
        return FeesRead((ParsedFee(FeeStatus.FREE, raw.kind, text=text),))
    if (
        not value
        and plain.startswith("không")
        and _FREE.match(plain.split(".")[0].split(";")[0].strip())
        and not _amounts(text)
    ):
        return FeesRead((ParsedFee(FeeStatus.FREE, raw.kind, text=text),))
    return _from_text(raw, text)


def _tidy(text: str) -> str:
    text = clean(text)
    text = re.sub(r"^(?:Đồng|VNĐ|đ)\s*(?=\()", "", text)
    return unwrap(unwrap(text).strip()).strip()


def _from_value(raw: RawFee, text: str | None = None) -> FeesRead:
    """Read a value that no text explains."""
    if not raw.value:
        return FeesRead(
            (ParsedFee(FeeStatus.NOT_PUBLISHED, raw.kind, text=text or _tidy(raw.text) or raw.printed or None),)
        )
    shown = f"{raw.value:g} {raw.currency}" if raw.currency != DONG else (raw.printed or f"{raw.value:g} đồng")
    if raw.currency == DOLLAR:
        return FeesRead((ParsedFee(FeeStatus.IN_TEXT, raw.kind, text=f"{shown} ({text})" if text else shown),))
    if raw.currency != DONG or raw.value < SMALLEST_CERTAIN:
        whole = f"{shown} ({text})" if text else shown
        return FeesRead((ParsedFee(FeeStatus.IN_TEXT, raw.kind, text=whole),), leftover=whole)
    return FeesRead((ParsedFee(FeeStatus.AMOUNT, raw.kind, amount=round(raw.value), text=text),))


def _amounts(text: str) -> list[re.Match[str]]:
    """Amounts of money in text, not numbers of laws, dates, percentages or quantities."""
    blanked = _CITATION.sub(lambda match: " " * len(match[0]), text)
    found = []
    for match in AMOUNT.finditer(blanked):
        scaled = match["scale"] and not match["word"] and not re.match(r"\s*(?:/|\(|$)", blanked[match.end() :])
        grouped = re.search(r"[.,]\s?\d{3}", match["figure"])
        plain_number = (
            not match["word"] and not match["scale"] and not re.match(r"\s*/\s*[^\W\d]", blanked[match.end() :])
        )
        if scaled or (plain_number and not grouped):
            continue
        if plain_number and re.match(
            r"\s*(?:m2|m3|m²|m³|ha\b|tấn|kg|kw|kva|mw|người|đơn vị|lít|km|lao động|thuê bao|cbm|gt\b|cc\b|mét|"
            r"hộ\b|dân\b|giường|con\b|bản\b|trang\b|xe\b|cái\b|lượt|usd)",
            blanked[match.end() :],
            re.IGNORECASE,
        ):
            continue
        found.append(match)
    return found


_WAIVER = re.compile(
    r"\(?\s*Mi[ễê]n?\s*(?:thu\s*)?(?:các khoản\s*)?(?:phí|"
    r"lệ phí)?\s*(?:kể\s+)?từ (?:ngày )?\d[^()]{0,40}?đến (?:hết )?(?:ngày "
    r")?\d{1,2}/\d{1,2}/\d{4}[^()]*\)?",
    re.IGNORECASE,
)


def _take_waiver(raw: RawFee, text: str) -> tuple[str, list[ParsedFee]]:
    """Take "Miễn phí từ ngày ... đến ..." out of a text: free of charge for a while, beside the amounts."""
    match = _WAIVER.search(text)
    if not match:
        return text, []
    start, end = _validity(match[0])
    rest = f"{text[: match.start()]} {text[match.end() :]}".strip(" .;,")
    if rest.count("(") > rest.count(")"):
        rest += ")"
    return clean(rest), [
        ParsedFee(FeeStatus.FREE, raw.kind, text=clean_line(match[0]).strip("() ;."), valid_from=start, valid_to=end)
    ]


_FREE_ITEM = re.compile(
    r"^(?P<label>(?:phí|lệ phí|mức (?:thu|phí|lệ phí))[^:]{0,120}):\s*(?P<said>[^:]{2,40})$", re.IGNORECASE
)


def _free_item(words: str, kind: FeeKind | None) -> ParsedFee | None:
    """A clause that says only that something is free: "Miễn lệ phí (Thông tư ...)", "Lệ phí cấp giấy: Không"."""
    plain = re.sub(r"\s*\([^()]*\)\s*$", "", words.strip(" .;,")).strip(" .;,")
    if _FREE.match(plain) and not re.match(r"^(?:phí|lệ phí)$", plain, re.IGNORECASE):
        said = (
            FeeKind.CHARGE
            if re.search(r"lệ phí", plain, re.IGNORECASE) and not re.search(r"(?<!lệ )phí", plain, re.IGNORECASE)
            else kind
        )
        return ParsedFee(FeeStatus.FREE, said, text=words)
    label = _FREE_ITEM.match(plain)
    if label and _FREE.match(label["said"].strip()):
        return ParsedFee(FeeStatus.FREE, kind, name=capitalise(strip_bullets(label["label"])), text=words)
    return None


def _from_text(raw: RawFee, text: str) -> FeesRead:
    whole = text
    text, waived = _take_waiver(raw, text)
    if waived:
        plain = strip_bullets(text).strip(" .:;,()").lower()
        rest = (
            _from_value(replace(raw, text=text))
            if plain in NOT_PUBLISHED_TEXTS or re.match(r"^(?:/|đồng/)?[^\d\W]{2,12}$", plain)
            else _from_text(raw, text)
        )
        kept = tuple(fee for fee in rest.fees if fee.status is not FeeStatus.NOT_PUBLISHED)
        return FeesRead((*kept, *waived), rest.exemptions, rest.leftover and whole)
    exemptions: list[str] = []
    fees: list[ParsedFee] = []
    unread: list[str] = []
    rest: list[str] = []
    items = _items(text)
    in_exemptions = False
    for item in items:
        words = strip_bullets(item.words)
        if (
            _EXEMPTION.search(words)
            and not (not raw.value and _free_item(words, raw.kind))
            and not (
                _amounts(words)
                and not re.match(r"^\W*(?:các )?(?:đối tượng|trường hợp|miễn|giảm|không thu)", words, re.IGNORECASE)
            )
        ):
            in_exemptions = words.rstrip().endswith(":") or (in_exemptions and item.listed)
            if not words.rstrip().endswith(":"):
                exemptions.append(f"{item.heading} {words}".strip() if in_exemptions and item.heading else words)
            continue
        if in_exemptions and item.listed and not _amounts(words):
            exemptions.append(words)
            continue
        in_exemptions = False
        amounts = _amounts(item.words)
        if not amounts and not raw.value and (free := _free_item(words, raw.kind)):
            fees.append(free)
            continue
        if not amounts:
            if _PERCENT.search(item.words):
                fees.append(ParsedFee(FeeStatus.IN_TEXT, raw.kind, text=words, only=_channels(words)))
            else:
                rest.append(words)
            continue
        read = _read_item(item, amounts, raw.kind)
        if read:
            fees.append(read)
        else:
            unread.append(item.words)
    return _settle(_Reading(raw, text, fees, tuple(exemptions), unread, rest))


@dataclass(frozen=True, slots=True)
class _Reading:
    """A fee text cut up: fees read, clauses with amounts that could not be, and the clauses without any."""

    raw: RawFee
    text: str
    fees: list[ParsedFee]
    exemptions: tuple[str, ...]
    unread: list[str]
    rest: list[str]

    @property
    def value(self) -> int | None:
        """The value in đồng, if it is one and not 0."""
        return round(self.raw.value) if self.raw.value and self.raw.currency == DONG else None

    def only(self, status: FeeStatus, leftover: str | None = None, **fields: Any) -> FeesRead:
        """The whole text as one fee."""
        fee = ParsedFee(status, self.raw.kind, **{"text": self.text, **fields})
        return FeesRead((fee,), self.exemptions, leftover)


def _settle(reading: _Reading) -> FeesRead:
    """Weigh the amounts of the text against the value, and choose the status."""
    if reading.raw.value and reading.raw.currency != DONG:
        return _settle_foreign(reading)
    if reading.unread:
        # One clause is unclear, so the reader cannot know that the others are complete: the text stands as a whole.
        value = f"{reading.value:,} đồng: ".replace(",", ".") if reading.value else ""
        return reading.only(FeeStatus.IN_TEXT, "\n".join(reading.unread), text=f"{value}{reading.text}")
    if any(fee.status is FeeStatus.AMOUNT for fee in reading.fees):
        return _settle_amounts(reading)
    if reading.value:
        return _settle_value(reading)
    return _settle_free(reading) if reading.fees else _settle_words(reading)


def _settle_foreign(reading: _Reading) -> FeesRead:
    known = reading.raw.currency == DOLLAR
    shown = f"{reading.raw.value:g} {reading.raw.currency}" if known else f"{reading.raw.value:g}"
    whole = reading.text if _FOREIGN.search(reading.text) else f"{shown} ({reading.text})"
    return reading.only(FeeStatus.IN_TEXT, None if known else whole, text=whole)


def _settle_amounts(reading: _Reading) -> FeesRead:
    value, fees, text = reading.value, reading.fees, reading.text
    stated = {fee.amount for fee in fees} | {fee.amount_to for fee in fees}
    if value is None or value in stated or value * 1000 in stated:  # clerks type 100 for 100.000
        if len(fees) == 1:
            fees = [replace(fees[0], text=text if _says_more(text, fees[0]) else None)]
        return FeesRead(tuple(fees), reading.exemptions)
    special = [fee for fee in fees if fee.case or fee.valid_to or fee.status is not FeeStatus.AMOUNT]
    if value >= SMALLEST_CERTAIN and len(special) == len(fees):
        # The value is the general amount; the text tells other cases, or a lower amount for a while.
        own = reading.rest[0] if len(reading.rest) == 1 and any(fee.case for fee in special) else ""
        case = capitalise(_plain_case(own)) if own and len(own) <= 160 and not _NO_CASE.match(own) else None
        general = ParsedFee(FeeStatus.AMOUNT, reading.raw.kind, amount=value, case=case, text=text)
        return FeesRead((general, *special), reading.exemptions)
    whole = f"{reading.raw.printed or f'{value} đồng'} ({text})"
    unclear = ParsedFee(FeeStatus.IN_TEXT, reading.raw.kind, text=whole)
    if all(fee.valid_to and fee.status is FeeStatus.AMOUNT for fee in fees):
        return FeesRead((*fees, unclear), reading.exemptions, whole)  # what holds until a day is certain
    return FeesRead((unclear,), reading.exemptions, whole)


_PER_ONLY = re.compile(
    r"^(?:đồng\s*/\s*)?(?:lần|hồ sơ|giấy|sản phẩm|người|thẻ|bản|môn|trường hợp|chứng chỉ|đồng)\b[^,;.:]{0,30}$",
    re.IGNORECASE,
)
_NO_NAME = re.compile(r"\d\s*(?:đồng|đ\b|vnđ)|ngày làm việc|^đồng\b", re.IGNORECASE)


def _settle_value(reading: _Reading) -> FeesRead:
    """A value beside a text without amounts: the text says what it is per, for which case, or what it is called."""
    raw, text = reading.raw, reading.text
    if _PER_ONLY.match(text):
        per = _clean_per(re.sub(r"^đồng\s*/?\s*", "", text, flags=re.IGNORECASE))
        read = _from_value(raw)
        fees = (_named(fee, per=per) or replace(fee, text=f"{fee.text}/{text}") for fee in read.fees)
        return FeesRead(tuple(fees), reading.exemptions, read.leftover)
    short = len(text) <= 160 and not _LAW_ONLY.search(text) and not _NO_NAME.search(text)
    read = _from_value(raw, None if short else text)
    if short and re.match(r"^\W*(?:đối với|trường hợp|\()", text, re.IGNORECASE):
        fields = {"case": _balanced(capitalise(_plain_case(unwrap(text))))}
    else:
        fields = {"name": _balanced(strip_bullets(capitalise(text)))} if short else {}
    fees = tuple(_named(fee, **fields) or fee for fee in read.fees)
    return FeesRead((*fees, *reading.fees), reading.exemptions, read.leftover)


def _named(fee: ParsedFee, **fields: Any) -> ParsedFee | None:
    """The fee with what its text says about it, if it has an amount."""
    return replace(fee, **fields) if fee.status is FeeStatus.AMOUNT else None


def _settle_free(reading: _Reading) -> FeesRead:
    """Clauses that say "free of charge" or name a share of another fee, and no amount."""
    if not any(fee.status is FeeStatus.FREE for fee in reading.fees):
        return reading.only(reading.fees[0].status, only=reading.fees[0].only if len(reading.fees) == 1 else ())
    fees = sorted(reading.fees, key=lambda fee: fee.status is not FeeStatus.FREE)
    other = " ".join(words for words in reading.rest if _ABOUT_MONEY.search(words))
    if other:
        fees.append(ParsedFee(FeeStatus.BY_LAW if _LAW.search(other) else FeeStatus.IN_TEXT, None, text=other))
    return FeesRead(tuple(fees), reading.exemptions)


_BY_NAMED_LAW = re.compile(r"theo (?:quy định )?(?:tại )?(?:Thông tư|Nghị định|Luật|Biểu)", re.IGNORECASE)


def _settle_council(reading: _Reading) -> FeesRead:
    """The province sets the fee; another one that the text names by law stands for itself."""
    by_law = [w for w in reading.rest if _FEE_NAME.match(w) and _BY_NAMED_LAW.search(w) and not _COUNCIL.search(w)]
    read = reading.only(FeeStatus.SET_BY_PROVINCE)
    return replace(read, fees=(*read.fees, *(ParsedFee(FeeStatus.BY_LAW, None, text=words) for words in by_law)))


_NOT_TAKEN = re.compile(
    r"^không thu (?:phí|lệ phí)[^.;]{0,40}? (?:đối với|của|cho) (?P<case>[^.;]+?)(?:\s+theo\s.*)?[.;]?$", re.IGNORECASE
)


def _settle_words(reading: _Reading) -> FeesRead:
    """A text without any amount: who sets it, where it stands, or nothing about it."""
    said = " ".join(reading.rest) or reading.text
    if _FOREIGN.search(said):
        return reading.only(FeeStatus.IN_TEXT)
    if _COUNCIL.search(said) and not _SHARED_POWER.search(said):
        return _settle_council(reading)
    if reading.rest and _LAW.search(said):
        return reading.only(FeeStatus.BY_LAW)
    return _settle_silence(reading, said)


def _settle_silence(reading: _Reading, said: str) -> FeesRead:
    """A text that tells no amount and nobody who sets it."""
    for words in reading.exemptions if not reading.rest else ():
        if free := _NOT_TAKEN.match(words):
            return reading.only(FeeStatus.FREE, case=capitalise(free["case"]))
    if (reading.exemptions and not reading.rest) or not _ABOUT_MONEY.search(said):
        return reading.only(FeeStatus.NOT_PUBLISHED)
    if reading.rest and len(said) <= 160 and not _PERCENT.search(said):
        # Only the fee's name: what it costs is not said.
        return reading.only(FeeStatus.NOT_PUBLISHED, name=capitalise(said))
    return reading.only(FeeStatus.IN_TEXT, reading.text)


_ABOUT_MONEY = re.compile(r"phí|giá|tiền|đồng|thu\b|cước|thuế|%", re.IGNORECASE)
_LAW_ONLY = re.compile(
    r"^(?:theo|tra cứu|áp dụng|thực hiện|quy định|căn cứ|chi tiết|thông tư|nghị|từ ngày|kể từ)|" r"thông tư số|điều \d",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Item:
    words: str
    heading: str = ""
    listed: bool = False
    period: _Period = (None, None)


_SEVERAL = re.compile(
    rf",\s+(?=(?-i:[{UPPER}])[^,:;]{{3,120}}:\s*\d)|[,.]?\s+(?=riêng (?:đối với )?)|"
    rf",\s+(?=(?:trường hợp|đối với)\s)|,?\s*(?=(?:lệ phí|phí)\s*:\s*\d)",
    re.IGNORECASE,
)
_NEW_FEE = re.compile(r"[,)]\s*(?=(?:Lệ phí|Phí|phí)\s*:\s*\d)")


def _cut(clause: str) -> list[str]:
    """Cut a clause with several amounts into one piece an amount, where its wording shows how."""
    amounts = _amounts(clause)
    if not amounts:
        return [clause]
    pieces, start = [], 0
    for match in (_SEVERAL if len(amounts) > 1 else _NEW_FEE).finditer(clause):
        before = clause[: match.start()]
        if match.start() > start and (
            len(amounts) == 1 or before.count("(") <= before.count(")")
        ):  # not inside brackets
            pieces.append(clause[start : match.start() + (match[0][:1] == ")")])
            start = match.end()
    return [piece for piece in (*pieces, clause[start:]) if piece.strip()]


def _items(text: str) -> list[_Item]:
    """Cut a fee text into clauses, each with the headings that it stands under."""
    parts: list[str] = []
    periods: dict[str, _Period] = {}
    for clause in clauses(text):
        for piece in _cut(clause):
            periods[piece] = _validity(clause)
    for part in list(periods):
        if (
            parts
            and not _amounts(parts[-1])
            and not parts[-1].rstrip().endswith(":")
            and mark_rank(part) == NO_MARK
            and part[:1].islower()
        ):
            periods[f"{parts[-1]}; {part}"] = periods[part]
            parts[-1] = f"{parts[-1]}; {part}"
        else:
            parts.append(part)
    headings: list[tuple[int, str]] = []
    items: list[_Item] = []
    label = full = ""
    for part in parts:
        rank = mark_rank(part)
        mark = rank < NO_MARK
        if mark:
            headings = [entry for entry in headings if entry[0] < rank]
            label = full = ""
        if part.rstrip().endswith(":") and not _amounts(part):
            depth = rank if mark else 0  # a heading without a mark stands above the marked ones
            headings = [entry for entry in headings if entry[0] < depth]
            headings.append((depth, strip_bullets(part).rstrip(" :")))
            items.append(_Item(part, " – ".join(text for _, text in headings[:-1]), mark))
            continue
        amounts = _amounts(part)
        bare = bool(amounts) and not part[: amounts[0].start()].strip(" (-+")
        group = full if bare and not mark else label if not mark else ""
        items.append(
            _Item(
                part,
                " – ".join([text for _, text in headings] + ([group] if group else [])),
                mark or bool(headings),
                periods[part],
            )
        )
        if amounts:
            pieces = _labels(part, amounts)
            full = ": ".join(pieces) or full
            label = ": ".join(pieces[:-1]) if mark or not label else label
    return items


def _labels(part: str, amounts: list[re.Match[str]]) -> list[str]:
    """The groups that a clause names before its amount: "Hộ gia đình: Đối với đất ở: 150.000" names two."""
    before = strip_bullets(part[: amounts[0].start()])
    return [piece.strip() for piece in before.split(":") if piece.strip()]


_LIMIT_BEFORE = re.compile(
    r"(?:tối đa|tối thiểu|không quá|trên|dưới|từ|vượt|cộng thêm|tăng thêm|thu thêm|đến|hơn)\s*$", re.IGNORECASE
)
_FORMULA = re.compile(r"[+×x*]\s*$|mức thu bằng|\bbằng\s+\d+(?:[.,]\d+)?\s*%", re.IGNORECASE)
_CAP = re.compile(
    r"[,(]?\s*(?:nhưng\s+)?(?:mức\s+)?(?:thu\s+)?(?:tối đa|"
    r"không quá)(?:\s+thu)?(?:\s+không quá)?\s+\d[\d.,]*\s*(?:đồng|đ\b)[^,;]*$",
    re.IGNORECASE,
)
"""A ceiling at the end of a clause: ", tối đa thu không quá 200.000 đồng/bản"."""
_Amount = re.Match[str]


def _ends(words: str, amounts: list[_Amount]) -> tuple[_Amount, _Amount | None] | None:
    """The lower and upper amount of a clause with one amount or one range; None if it holds anything else."""
    if not amounts:
        return None
    low, high = amounts[0], amounts[-1] if len(amounts) > 1 else None
    if len(amounts) > 2 or _FORMULA.search(words) or (high and _PERCENT.search(words)):
        return None
    if high is None:
        return None if _LIMIT_BEFORE.search(words[: low.start()]) else (low, None)
    if to_dong(low["figure"], low["scale"]) == to_dong(high["figure"], high["scale"]):
        return high, None  # the page prints the value, and the text repeats it
    span = _RANGE.search(words)
    return (low, high) if span and span.start() <= low.start() + 4 and span.end() >= high.end() else None


def _read_item(item: _Item, amounts: list[_Amount], kind: FeeKind | None) -> ParsedFee | None:
    """Read a clause that states one amount or one range; None if it is not certain."""
    whole = item.words.strip()
    words = _CAP.sub("", whole)
    ends = _ends(words, _amounts(words)) if len(words) < len(whole) else _ends(words, amounts)
    if ends is None:
        return None
    low, high = ends
    amount = to_dong(low["figure"], low["scale"])
    amount_to = to_dong(high["figure"], high["scale"]) if high else None
    if (amount_to is not None and amount_to <= amount) or (amount == 0 and low["figure"] != "0"):
        return None  # "0.000đ" is a slip of the pen, not free of charge
    after = _IN_WORDS.sub(" ", words[(high or low).end() :], count=1)
    per, after = _take_per(after)
    before = strip_bullets(words[: low.start()])
    before = re.sub(
        r"(?:\s*(?:từ|là|mức(?: thu)?(?: phí| lệ phí)?(?: là)?|thu|nộp|áp dụng mức phí|phải nộp|" r"thu phí))+\s*$",
        "",
        before.strip(),
        flags=re.IGNORECASE,
    ).strip(" :–-(=,")
    name, case = _name_and_case(before, after, item.heading)
    if case and per and case.casefold() == per.casefold():
        case = None
    valid_from, valid_to = item.period
    only = _channels(f"{before} {after}")
    if amount == 0:
        return ParsedFee(
            FeeStatus.FREE, kind, name=name, case=case, text=words, valid_from=valid_from, valid_to=valid_to, only=only
        )
    text = whole if len(words) < len(whole) else None
    return ParsedFee(FeeStatus.AMOUNT, kind, amount, amount_to, per, name, case, text, valid_from, valid_to, only)


_IN_WORDS = re.compile(r"^\s*\([^()\d]*(?:đồng|triệu|nghìn|ngàn)[^()\d]*\)\s*(?:đồng\b)?", re.IGNORECASE)
_NO_CASE = re.compile(
    r"^\W*(?:mức (?:phí|thu|lệ phí) (?:trên|này|giảm)|mức (?:phí|thu)$|chưa|đã|không bao gồm|bao gồm|"
    r"theo|áp dụng(?! (?:đối với|cho))|miễn|thông tư|kể từ|từ ngày|đến (?:hết )?ngày|nghị (?:định|"
    r"quyết)|thực hiện (?:theo|từ)|quy định|căn cứ|nộp|giảm|luật\b|gồm\b|hình thức nộp|lệ phí$|phí$|"
    r"đồng$|vnđ$|phòng$|lần$|nếu có$|\d[\d.,]*$)",
    re.IGNORECASE,
)


def _take_per(after: str) -> tuple[str | None, str]:
    match = _PER.match(after)
    if not match:
        return None, after
    words = match["slash"] or match["word"]
    stop = _PER_STOP.search(words)
    kept = words[: stop.start()] if stop else words
    end = (match.start("slash") if match["slash"] else match.start("word")) + len(kept)
    return _clean_per(kept), after[end:]


def _clean_per(text: str) -> str | None:
    text = re.sub(r"^(?:0?1|một)\s+|\s+đồng$", "", text.strip(" .,;:()/"), flags=re.IGNORECASE)
    return clean_line(text) or None


_FEE_NAME = re.compile(r"^(?:mức\s+)?(?:thu\s+)?(?:phí|lệ phí|giá|chi phí)\b", re.IGNORECASE)


def _name_and_case(before: str, after: str, heading: str) -> tuple[str | None, str | None]:
    """Tell the fee's name from the case it is for."""
    pieces = [piece.strip(" :–-(") for piece in [*heading.split(" – "), *before.split(":")] if piece.strip(" :–-(")]
    tail = re.sub(
        r"^(?:\W*)(?:\(theo|theo (?:quy định|thông tư)|\(thông tư|\(quy định)[\s\S]*$", "", after, flags=re.IGNORECASE
    )
    tail = unwrap(tail.strip(" .,;:–-").strip())
    if tail.count("(") != tail.count(")"):
        tail = (
            tail.strip("() ")
            if tail.count("(") + tail.count(")") == 1 and (tail[:1] == "(" or tail[-1:] == ")")
            else tail
        )
    names = [piece for piece in pieces if _FEE_NAME.match(piece)]
    cases = [piece for piece in pieces if not _FEE_NAME.match(piece) and not _NO_CASE.match(piece)]
    if tail and not _NO_CASE.match(tail) and not _CITATION.search(tail) and len(tail) <= 300 and re.search(r"\w", tail):
        cases.append(tail)
    name = " – ".join(dict.fromkeys(names)) or None
    case = "; ".join(dict.fromkeys(_plain_case(piece) for piece in cases if _plain_case(piece))) or None
    if name and len(name) > 300:
        name = name[:300]
    return name and capitalise(name), case and capitalise(case)


def _balanced(text: str) -> str:
    """Without a bracket at the end that nothing opens."""
    return text[:-1].strip() if text.endswith(")") and text.count(")") > text.count("(") else text


def _plain_case(text: str) -> str:
    text = re.sub(
        r"^mức (?:thu|phí|lệ phí)(?: phí| lệ phí)? áp dụng\s+(?=đối với|cho|khi)",
        "",
        strip_bullets(text).strip(" .,;:–-"),
        flags=re.IGNORECASE,
    )
    return re.sub(r"^(?:riêng\s+)?(?:(?:đối với|trong)\s+)?(?:trường hợp|đối với)\s+", "", text, flags=re.IGNORECASE)


def _channels(text: str) -> tuple[ChannelKind, ...]:
    """The one channel that a text names, if it names just one."""
    found = [
        kind
        for kind, pattern in (
            (ChannelKind.ONLINE, _ONLINE),
            (ChannelKind.IN_PERSON, _IN_PERSON),
            (ChannelKind.POST, _POST),
        )
        if pattern.search(text)
    ]
    return tuple(found) if len(found) == 1 else ()


def _validity(text: str) -> tuple[dt.date | None, dt.date | None]:
    """Dates between which a fee is said to apply; dates of legal texts are no such dates."""
    match = _VALIDITY.search(text)
    if match:
        start = _date(match[1], match[2], match[3])
        return start, _date(match[4], match[5], match[6]) if match[4] else None
    until = _UNTIL.search(text)
    return None, _date(until[1], until[2], until[3]) if until else None


def _date(day: str, month: str, year: str) -> dt.date | None:
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def _says_more(text: str, fee: ParsedFee) -> bool:
    """Whether the text holds more than the amount, what it is per, its name and its case."""
    rest = AMOUNT.sub("", text, count=2 if fee.amount_to else 1)
    for known in (fee.per, fee.name, fee.case):
        if known:
            rest = re.sub(re.escape(known), "", rest, count=1, flags=re.IGNORECASE)
    return bool(
        re.search(
            r"[^\W\d_]{2,}", re.sub(r"đối với|trường hợp|đồng|lệ phí|phí|vnđ|/|một|01|1", "", rest, flags=re.IGNORECASE)
        )
    )
