"""Personal data out of free words before they are stored: numbers, names, addresses, ways to reach somebody.

It rather takes out too much than too little: a lost word costs little, a kept name breaks a promise. "Ông", "bà", "cán bộ"
without a name stay. Word lists are in ``names.yml``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import yaml

from actions.privacy import mask

NAME, PLACE, NUMBER, CONTACT, BIRTH = "[tên]", "[địa chỉ]", "[số]", "[liên lạc]", "[ngày sinh]"
_MOST_NAME = 5
_MOST_ADDRESS = 8


def scrub(text: str) -> str:
    """The text without personal data, marks in its place."""
    text = "".join(c for c in unicodedata.normalize("NFC", text) if c == "\n" or unicodedata.category(c)[0] != "C")
    text = _without(text, _contacts)
    text = _without(text, _codes)
    text = _without(text, _labelled)
    text = mask(text).text
    text = _without(text, _numbers)
    text = _without(text, _addresses)
    text = _without(text, _names)
    return _SAME.sub(r"\1", text)


_SAME = re.compile(r"(\[[^\[\]]{1,20}\])(?:[\s,]*\1)+")

Found = Iterator[tuple[int, int, str]]


def _without(text: str, find: Callable[[str], Found]) -> str:
    """The text with the found stretches replaced; overlapping ones become one."""
    out, done = [], 0
    for start, end, mark in sorted(find(text)):
        if start >= done:
            out += [text[done:start], mark]
        done = max(done, end)
    return "".join([*out, text[done:]])


@lru_cache(maxsize=4_096)
def _fold_letter(letter: str) -> str:
    """One letter without accent and case; always one character, so that places in a text stay the same."""
    plain = unicodedata.normalize("NFD", letter.lower())[:1]
    return "d" if plain == "đ" else plain


def _folded(text: str) -> str:
    return "".join(map(_fold_letter, text))


# -- ways to reach somebody ---------------------------------------------------------------------

_CONTACT = re.compile(
    r"(?:https?://|www\.)\S+"
    r"|[^\s@,;:()]+\s?@\s?[a-z0-9][^\s@,;:()]*"  # an e-mail address
    r"|(?<!\w)@[\w.]{2,}"
    r"|[\w.]+\s*(?:a cong|\(at\)|\[at\])\s*[\w.]+(?:\s*(?:cham|\.)\s*com)?"
    r"|(?:facebook|fb|m|zalo|tiktok|instagram|youtube|t|telegram)\.(?:com|me|vn|gg)/\S+"
    r"|(?<!\w)(?:facebook|fb|face|zalo|tiktok|instagram|insta|telegram|viber|skype|gmail|e-?mail|mail)"
    r"(?: (?:cua|ten|la|nick|ca nhan|toi|em|minh|chau|anh|chi|co|ay|so|theo)){0,4}(?: (?:la|ten)\b|\s?[:=-])\s*\S+",
)


def _contacts(text: str) -> Found:
    for match in _CONTACT.finditer(_folded(text)):
        more = _caps_after(text, match.end() + 1) if text[match.end() : match.end() + 1] == " " else []
        yield match.start(), match.end() + len("".join(f" {word}" for word in more)), CONTACT


# -- numbers ------------------------------------------------------------------------------------

_CODE = re.compile(
    r"(?:[a-z0-9]{1,4}[.,]){0,4}[gh]\d{2}(?:[.,][a-z0-9]{1,4}){0,4}"
    r"[\s.]{0,2}[-–—_/]?[\s.]{0,2}\d{6}[\s.]{0,2}[-–—_/]?[\s.]{0,2}\d{3,7}(?!\d)"
)
_PETITION = re.compile(r"(?<!\w)pa[\s.\-–_]*\d{6}[\s.\-–_]*[0-9a-z]{4,8}(?!\w)")
_PLATE = re.compile(
    r"(?<![\w.])\d{2}\s?[-.]?\s?[a-z][a-z0-9]?\s?[-. ]\s?\d{3}(?:[.\s]?\d{2}|\d)(?![\d\w])"
    r"|(?<![\w.])\d{2}[a-z][a-z0-9]?\d{4,5}(?![\d\w])"
)
_INSURANCE = re.compile(r"(?<!\w)[a-z]{2}\s?\d\s?\d{2}\s?\d{10}(?!\d)")


def _codes(text: str) -> Found:
    folded = _folded(text)
    for pattern in (_CODE, _PETITION, _PLATE, _INSURANCE):
        for match in pattern.finditer(folded):
            yield *match.span(), NUMBER


_LABEL = re.compile(
    r"(?<!\w)(?:stk|tk|so tai khoan|tai khoan(?: so| ngan hang)?|ma ho so|ma bien nhan|so bien nhan|bien nhan so|"
    r"giay hen so|mhs|cccd|cmnd|cmt|can cuoc|ho chieu|passport|mst|ma so thue|so bhxh|bhyt|so the|ma the|"
    r"sdt|dt|so dien thoai|dien thoai|4 so cuoi|so cuoi|so duoi|duoi so|"
    r"bien so|bien kiem soat|so so do|so hop dong)"
    r"(?: (?:cua|la|so|toi|em|minh|chau|ngan hang|agribank|vietcombank|bidv|mb|tcb|o)){0,4}"
    r"\s*[:=-]?\s*(?P<value>[a-z]{0,3}\d[\w.\-]*(?: \d[\d.\-]*){0,4})"
)
_BORN = re.compile(
    r"(?<!\w)(?:sinh|nam sinh|ngay sinh)(?: (?:ngay|nam|la)|\s?[:=])*\s*"
    r"(?P<value>\d{1,2}\s*[/.\-]\s*\d{1,2}\s*[/.\-]\s*\d{2,4}"
    r"|\d{1,2} thang \d{1,2}(?: nam \d{4})?|(?:19|20)\d{2})(?!\d)"
)


def _labelled(text: str) -> Found:
    folded = _folded(text)
    for match in _LABEL.finditer(folded):
        yield *match.span("value"), NUMBER
    for match in _BORN.finditer(folded):
        yield *match.span("value"), BIRTH


_LONG = re.compile(r"(?<![\d/])\+?\d(?:[\s.\-]{0,2}\d){6,}(?!\d)(?!\s*(?:d|dong|vnd|trieu|nghin|k|ngan)\b)")
_MONEY = re.compile(r"\d{1,3}(?:[.,]000)+")
_DATE = re.compile(r"\d{1,2}[-. ]\d{1,2}[-. ]\d{4}")
_PROCEDURE = re.compile(r"\d\.\d{6}")


def _numbers(text: str) -> Found:
    """Any long row of digits that is no amount, date or procedure: accounts, landlines, numbers nobody thought of."""
    for match in _LONG.finditer(_folded(text)):
        if not any(pattern.fullmatch(match.group()) for pattern in (_MONEY, _DATE, _PROCEDURE)):
            yield *match.span(), NUMBER


# -- addresses ----------------------------------------------------------------------------------

_HOUSE = re.compile(
    r"(?<!\w)(?:so nha|nha so|can ho(?: so)?|phong so|phong tro so|toa nha"
    r"|lo dat so|thua dat so|thua so|to ban do so)\s*[:]?\s*(?=[a-z]{0,2}\d)"
    r"|(?<!\w)(?:ngo|ngach|hem|kiet|to dan pho|to|khu pho|khu vuc|ap|doi|thon|xom|cum)(?: so)?\s*\d[\w/]*"
    r"|(?<!\w)(?:so\s*)?\d{1,4}[a-z]?(?:/\d{1,4}[a-z]?)*\s*(?:,\s*)?(?:duong|pho|ngo|ngach|hem|kiet)(?= \w)"
)
_NAMED_PLACE = re.compile(
    r"(?<!\w)(?:thôn|xóm|ấp|đường|phố|ngõ|hẻm|buôn|bản|làng"
    r"|chung cư|tòa nhà|toà nhà|khu tập thể|khu đô thị|kdc|khu dân cư) (?=[A-ZĐÀ-Ỹ])",
    re.UNICODE,
)
_AT_HOME = re.compile(
    r"(?<!\w)(?:dia chi(?: nha| thuong tru| tam tru| cua toi| cua em| toi)*"
    r"|nha (?:toi|em|minh|chau|tui)(?: o| tai)|thuong tru(?: tai| o)|tam tru(?: tai| o)|ho khau(?: tai| o))"
    r"(?: (?:la|o|tai)|\s?:)+ "
)
_NUMBER_STREET = re.compile(
    r"(?<![\w/.-])(?:[Ss]ố )?\d{1,4}[A-Za-z]?(?:/\d{1,4}[A-Za-z]?)* (?=(?:[A-ZĐÀ-Ỹ][^\W\d_]+ ){1,3}|[A-ZĐÀ-Ỹ][^\W\d_]+)"
)


def _addresses(text: str) -> Found:
    folded = _folded(text)
    for pattern, subject in ((_HOUSE, folded), (_NAMED_PLACE, text), (_AT_HOME, folded)):
        for match in pattern.finditer(subject):
            yield match.start(), _end_of_address(text, folded, match.end()), PLACE
    for match in _NUMBER_STREET.finditer(text):
        words = _caps_after(text, match.end())
        if words and words[0].lower() not in _lists().units:
            yield match.start(), match.end() + len(" ".join(words)), PLACE


def _caps_after(text: str, start: int) -> list[str]:
    out = []
    for word in text[start:].split(" ")[:4]:
        core = word.rstrip(".,;:!?)")
        if not core[:1].isupper():
            break
        out.append(core)
        if core != word:
            break
    return out


_ADDRESS_WORD = re.compile(r"[ ,]*([\w/\-]+)")


def _end_of_address(text: str, folded: str, start: int) -> int:
    """Where an address that begins before ``start`` ends: at a word that is none of it, at latest after some words."""
    end, places = start, 0
    while places < _MOST_ADDRESS and (match := _ADDRESS_WORD.match(folded, end)):
        at, capital = match.start(1), text[match.start(1)].isupper()
        if (
            not capital
            and not _ADDRESS_PART.match(folded, at)
            and ("," in match.group() or match[1] in _lists().stops_folded)
        ):
            break
        end, places = match.end(), places + 1
    return end


_ADDRESS_PART = re.compile(
    r"(?:\d|(?:duong|pho|ngo|ngach|hem|kiet|to|khu|ap|thon|xom|phuong|xa|tinh|thanh pho|tp|quan|huyen)\b)"
)


# -- names --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Lists:
    surnames: frozenset[str]
    surnames_folded: frozenset[str]
    given: frozenset[str]
    given_folded: frozenset[str]
    titles: frozenset[str]
    titles_folded: frozenset[str]
    offices: frozenset[str]
    ordinary: frozenset[str]  # pairs of words that are no names
    ordinary_folded: frozenset[str]
    stops: frozenset[str]
    stops_folded: frozenset[str]
    units: frozenset[str]


@cache
def _lists() -> _Lists:
    data = yaml.safe_load(Path(__file__).with_name("names.yml").read_text(encoding="utf-8"))
    split = {name: frozenset(part.strip() for part in text.split(",")) for name, text in data.items()}
    folded = {name: frozenset(map(_folded, parts)) for name, parts in split.items()}
    return _Lists(
        surnames=split["surnames"],
        surnames_folded=folded["surnames"],
        given=split["given"] | split["middle"],
        given_folded=folded["given"] | folded["middle"],
        titles=split["titles"],
        titles_folded=folded["titles"],
        offices=split["offices"],
        ordinary=split["ordinary"],
        ordinary_folded=folded["ordinary"],
        stops=split["stops"],
        stops_folded=folded["stops"],
        units=split["units"],
    )


_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class _Token:
    start: int
    end: int
    text: str
    folded: str
    apart: bool  # whether something else than blanks and dots stands before it
    capital: bool


def _names(text: str) -> Found:
    tokens = _tokens(text)
    accents = any(_has_accent(token) for token in tokens)
    at = 0
    while at < len(tokens):
        begin, count = _name_from(tokens, at, accents, text)
        if count:
            yield tokens[begin].start, tokens[begin + count - 1].end, NAME
        at = begin + count if count else at + 1


def _has_accent(token: _Token) -> bool:
    return token.text.lower() != token.folded


def _tokens(text: str) -> list[_Token]:
    shouting = text.upper() == text and text.lower() != text
    out: list[_Token] = []
    for match in _WORD.finditer(text):
        gap = text[out[-1].end : match.start()] if out else ""
        capital = match.group()[0].isupper() and not shouting
        apart = bool(gap.strip(" .")) or ("." in gap and len(out[-1].text) > 1)
        out.append(_Token(*match.span(), match.group(), _folded(match.group()), apart, capital))
    return out


def _name_from(tokens: list[_Token], at: int, accents: bool, text: str) -> tuple[int, int]:
    """Where a name begins that ``at`` introduces or begins, and of how many words it is (0: none)."""
    if after := _introduced(tokens, at, accents, text):
        return after, _any_words(tokens, after, accents)
    titled = _after_title(tokens, at, accents)
    if titled and (count := _titled_name(tokens, titled, accents)):
        return titled, count
    return at, _full_name(tokens, at, accents)


def _introduced(tokens: list[_Token], at: int, accents: bool, text: str) -> int:
    """The place after "tên tôi là", "họ tên:", "ký tên", where anything is a name; 0 where there is none."""
    words = [token.folded for token in tokens[at : at + 6]]
    for phrase in _INTRODUCTIONS:
        if words[: len(phrase)] == list(phrase):
            after = at + len(phrase)
            if after < len(tokens) and not _is_stop(tokens[after], accents):
                gap = text[tokens[after - 1].end : tokens[after].start]
                if phrase[-1] in ("la", "danh") or ":" in gap or (phrase in _SIGNED and gap.strip() in ("", ",")):
                    return after
    return 0


_SELVES = ("toi", "em", "minh", "chau", "con", "tui", "anh", "chi", "ong", "ba", "co", "chu", "bac", "no")
_SIGNED = [
    ("ky", "ten"),
    ("ho", "ten"),
    ("ho", "va", "ten"),
    ("nguoi", "gui"),
    ("nguoi", "viet"),
    ("tran", "trong"),
    ("kinh", "don"),
]
_INTRODUCTIONS = sorted(
    [("ten", "la"), ("ten", "ho", "la"), ("ten", "goi", "la"), ("quy", "danh"), *_SIGNED]
    + [("ho", "ten", "la"), ("ho", "va", "ten", "la")]
    + [("ten", who, "la") for who in _SELVES]
    + [(who, "ten", "la") for who in _SELVES]
    + [("ten", "cua", who, "la") for who in _SELVES]
    + [("ho", "ten", who, "la") for who in _SELVES]
    + [("ho", "va", "ten", who, "la") for who in _SELVES],
    key=len,
    reverse=True,
)


def _any_words(tokens: list[_Token], at: int, accents: bool) -> int:
    count = 0
    while count < _MOST_NAME and at + count < len(tokens):
        token = tokens[at + count]
        named = _is_given(token) and not _is_ordinary(tokens, at + count)
        if count and (token.apart or (_is_stop(token, accents) and not named)):
            break
        count += 1
    return count


def _is_stop(token: _Token, accents: bool) -> bool:
    """Whether a word ends a name."""
    lists = _lists()
    if token.capital:
        return False
    if _has_accent(token) or accents:
        return token.text.lower() in lists.stops
    return token.folded in lists.stops_folded - lists.given_folded


def _is_given(token: _Token) -> bool:
    lists = _lists()
    return token.text.lower() in lists.given or (not _has_accent(token) and token.folded in lists.given_folded)


def _after_title(tokens: list[_Token], at: int, accents: bool) -> int:
    """The place after a title ("cán bộ", "chị", "ông … tên"), 0 where none begins at ``at``."""
    for length in (3, 2, 1):
        part = tokens[at : at + length]
        if len(part) < length or any(token.apart for token in part[1:]):
            continue
        exact, plain = " ".join(t.text.lower() for t in part), " ".join(t.folded for t in part)
        known = exact in _lists().titles or (plain in _lists().titles_folded and (not accents or length > 1))
        if not known:
            continue
        after = at + length
        while after < len(tokens) and tokens[after].folded in ("ten", "la") and not tokens[after].apart:
            after += 1
        return after if after < len(tokens) and not tokens[after].apart else 0
    return 0


def _titled_name(tokens: list[_Token], at: int, accents: bool) -> int:
    """Words of a name after a title."""
    token = tokens[at]
    if (
        token.capital
        and not _is_ordinary(tokens, at)
        and (token.text.lower() not in _lists().offices or _is_given(token))
    ):
        return _capitals(tokens, at)
    if count := _full_name(tokens, at, accents):
        return count
    if (
        _is_surname(token, accents)
        and _goes_on(tokens, at + 1)
        and _is_given(tokens[at + 1])
        and not _is_ordinary(tokens, at)
    ):
        return 1 + _small_name(tokens, at + 1)
    single = len(token.text) == 1 and token.folded not in ("a", "e", "o", "u", "y")
    return 1 if single else _small_name(tokens, at)


def _is_ordinary(tokens: list[_Token], at: int) -> bool:
    """Whether a word and the next one mean something together that is no name."""
    if at + 1 >= len(tokens) or tokens[at + 1].apart:
        return False
    one, two = tokens[at], tokens[at + 1]
    if _has_accent(one) or _has_accent(two):
        return f"{one.text} {two.text}".lower() in _lists().ordinary
    return f"{one.folded} {two.folded}" in _lists().ordinary_folded


def _small_name(tokens: list[_Token], at: int) -> int:
    """Given names in small letters, unless the words mean something else together."""
    count = 0
    while count < 3 and _goes_on(tokens, at + count, first=count == 0):
        here = at + count
        if not _is_given(tokens[here]) or _is_ordinary(tokens, here) or (count and _is_ordinary(tokens, here - 1)):
            break
        count += 1
    return count


def _full_name(tokens: list[_Token], at: int, accents: bool) -> int:  # noqa: PLR0911 (one rule a line)
    """Words of a full name that begins with a surname, wherever it stands; 0 where there is none."""
    if not _is_surname(tokens[at], accents) or not _goes_on(tokens, at + 1):
        return 0
    if _is_ordinary(tokens, at) and not _is_middle_of_a_name(tokens, at + 1):
        return 0
    if at and tokens[at - 1].text.lower() in _lists().units and not tokens[at].apart:
        return 0  # the name of a commune is nobody's
    if tokens[at].capital and tokens[at + 1].capital:
        return _capitals(tokens, at)
    if not _goes_on(tokens, at + 2):
        return 0
    second, third = tokens[at + 1], tokens[at + 2]
    if second.folded in ("van", "thi") and (len(third.text) == 1 or not _is_stop(third, accents)):
        more = _goes_on(tokens, at + 3) and (_is_given(tokens[at + 3]) or tokens[at + 3].capital)
        return 3 + int(more and not _is_ordinary(tokens, at + 3))
    known = (
        _is_given(second) and _is_given(third) and not _is_ordinary(tokens, at + 1) and not _is_ordinary(tokens, at + 2)
    )
    return 3 if known else 0


def _is_middle_of_a_name(tokens: list[_Token], at: int) -> bool:
    """Whether "van" or "thi" stands before a given name: "do thi hung" is a person more likely than a town."""
    return tokens[at].folded in ("van", "thi") and _goes_on(tokens, at + 1) and _is_given(tokens[at + 1])


def _is_surname(token: _Token, accents: bool) -> bool:
    lists = _lists()
    if _has_accent(token) or (accents and not token.capital):
        return token.text.lower() in lists.surnames
    return token.folded in lists.surnames_folded


def _goes_on(tokens: list[_Token], at: int, *, first: bool = False) -> bool:
    return at < len(tokens) and (first or not tokens[at].apart)


def _capitals(tokens: list[_Token], at: int) -> int:
    count = 0
    while count < _MOST_NAME and _goes_on(tokens, at + count, first=count == 0) and tokens[at + count].capital:
        if count and tokens[at + count].text.lower() in ("phường", "xã", "ubnd", "tỉnh", "thôn"):
            break
        count += 1
    return count
