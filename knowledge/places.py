"""Where the asker is: provinces and communes named in a message, by their present or their former names.

Vietnam has had 34 provinces and 3,321 communes since 1 July 2025, and no districts; people go on using the
names of before. ``places.json`` is written by hand: what each province was made of, well-known towns, and which
names are everyday words too ("hòa bình", and without accents "nha hai phong"). ``communes.json`` holds all
communes and districts (``tools/search/places.py``); it is read when a message has a unit word ("xã", "huyện"),
because only after one are such names taken for places.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from knowledge.fields import content_words
from knowledge.text import fold, has_accents

_PLACES = Path(__file__).with_name("places.json")
_COMMUNES = Path(__file__).with_name("communes.json")
_LONGEST = 6
"""Syllables of the longest name that is looked for."""

_SYLLABLE = re.compile(r"[^\W\d_]+|\d+")
_FINAL_Y = re.compile(r"(?<=[bcdghklmnpqrstvx])y$|(?<=qu)y$")
_UNITS = {
    "tỉnh": "tỉnh", "thành phố": "thành phố", "tp": "thành phố", "thị xã": "thị xã", "tx": "thị xã", "quận": "quận",
    "huyện": "huyện", "xã": "xã", "phường": "phường", "đặc khu": "đặc khu", "thị trấn": "thị trấn", "q": "quận",
    "h": "huyện", "p": "phường", "x": "xã", "tt": "thị trấn",
}  # fmt: skip
_ABBREVIATIONS = {"q", "h", "p", "x", "tt"}
"""Count as unit words with a full stop ("p. Tân Định") or before a number ("q10") only."""
_COMMUNE_UNITS = {"xã", "phường", "đặc khu", "thị trấn"}
_NOT_A_UNIT_AFTER = {
    "xã": {"cap", "tac", "hoi"}, "quận": {"cap", "co", "lien", "hai", "lanh"}, "phường": {"cap", "dia", "da"},
    "tỉnh": {"cap"}, "huyện": {"cap"}, "thị xã": {"cap"}, "thành phố": {"cap"},
}  # fmt: skip
"""Syllables that make another word of it: "cấp xã", "hợp tác xã", "co quan", "dia phuong"."""
_OF_SOMETHING_ELSE = {
    "đường", "phố", "ngõ", "hẻm", "chợ", "cầu", "sông", "trường", "công ty", "thôn", "xóm", "ấp", "xã", "phường",
    "ông", "bà", "tên",
}  # fmt: skip
"""What stands before a name that is not the province's: "đường Hà Nội", "phố Huế", "xã Hòa Bình", "ông Hải Châu"."""
_OF_SOMETHING_ELSE_PLAIN = {"duong", "pho", "ngo", "cong ty", "thon", "xom"}
_WHERE = {"ở", "tại", "quê"}
_BEFORE_PLACES = _WHERE | {
    "từ", "ngoài", "đến", "ra", "vào", "lên", "xuống", "sang", "người", "dân", "trú", "khẩu", "bàn", "vực", "về",
}  # fmt: skip
_BEFORE_PLACES_PLAIN = {fold(word) for word in _BEFORE_PLACES}


@dataclass(frozen=True)
class Commune:
    """A present commune."""

    name: str  # with its kind: "Phường Ba Đình"
    province: str


@dataclass(frozen=True)
class Place:
    """A place named in a text, at ``text[start:end]``; more than one province where the name alone does not tell."""

    start: int
    end: int
    provinces: tuple[str, ...]
    communes: tuple[Commune, ...] = ()


def provinces_in(text: str, *, awaited: bool = False) -> list[str]:
    """Present provinces that a message names: by their own name or a former one, by a town, a district or a commune.

    Args:
        text: the message.
        awaited: it answers the question "where?", so that a bare name will do.
    """
    return list(dict.fromkeys(p.provinces[0] for p in places_in(text, awaited=awaited) if len(p.provinces) == 1))


@lru_cache(maxsize=1_000)
def present_province(name: str) -> str:
    """A province by its present name ("Tỉnh Bình Dương" → "Hồ Chí Minh"); a name that is unknown stays as it is."""
    return next(iter(provinces_in(name, awaited=True)), name.strip())


def communes_in(text: str) -> list[Commune]:
    """Present communes that a message names after a unit word, by their own or a former name.

    Those of a province that the message names too, where it does.
    """
    found = [commune for place in places_in(text) for commune in place.communes]
    named = {p for place in places_in(text) if len(place.provinces) == 1 for p in place.provinces}
    within = [commune for commune in found if commune.province in named]
    return list(dict.fromkeys(within or found))


def without_places(text: str, *, awaited: bool = False) -> str:
    """The text with the names of places taken out."""
    for place in reversed(places_in(text, awaited=awaited)):
        text = f"{text[: place.start]} {text[place.end :]}"
    return " ".join(text.split())


def places_in(text: str, *, awaited: bool = False) -> list[Place]:
    """Places that a message names, in order; see :func:`provinces_in`."""
    message = _Message(unicodedata.normalize("NFC", text), awaited)
    found = list(message.places())
    if awaited and not found and (whole := message.whole_name()):
        found = [whole]
    return found


# -- names ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Syllable:
    """A syllable by its letters and its marks: "hòa" and "hoà" are one, and so are "quy" and "qui"."""

    letters: str
    marks: str

    @classmethod
    @lru_cache(maxsize=20_000)
    def of(cls, word: str) -> _Syllable:
        decomposed = unicodedata.normalize("NFD", word.lower())
        marks = sorted(c for c in decomposed if unicodedata.combining(c) or c == "đ")
        return cls(_FINAL_Y.sub("i", fold(word)), "".join(marks))


@dataclass(frozen=True)
class _Name:
    syllables: tuple[_Syllable, ...]
    provinces: tuple[str, ...]
    everyday: int = 0  # also ordinary words: 1 typed without accents, 2 always
    unit: str = ""
    communes: tuple[Commune, ...] = ()

    @property
    def has_marks(self) -> bool:
        return any(syllable.marks for syllable in self.syllables)


_Names = dict[tuple[str, ...], list[_Name]]


def _syllables(name: str) -> tuple[_Syllable, ...]:
    return tuple(_Syllable.of(word) for word in _SYLLABLE.findall(name))


def _table(names: Iterable[_Name]) -> _Names:
    table: _Names = defaultdict(list)
    for name in names:
        table[tuple(syllable.letters for syllable in name.syllables)].append(name)
    return dict(table)


@lru_cache(maxsize=1)
def _known() -> dict[str, Any]:
    return dict(json.loads(_PLACES.read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def _well_known() -> _Names:
    """Names that are understood without a unit word."""
    return _table(_well_known_names())


def _well_known_names() -> Iterator[_Name]:
    data = _known()
    always, plain = set(data["everyday"]), set(data["everyday_without_accents"])
    for name in data["not_places"]:
        yield _Name(_syllables(name), ())
    for province, others in data["provinces"].items():
        for name in (province, *others["former"], *others["also"], *others["towns"]):
            syllables = _syllables(name)
            doubtful = name in plain or (name in others["towns"] and len(syllables) < 3)
            yield _Name(syllables, (province,), 2 if name in always else int(doubtful))


@lru_cache(maxsize=1)
def _units() -> _Names:
    """Communes and districts, present and former; one entry for each kind of unit and name."""
    merged: dict[tuple[str, str], dict[str, list[Commune]]] = defaultdict(lambda: defaultdict(list))
    for province, own in json.loads(_COMMUNES.read_text(encoding="utf-8"))["provinces"].items():
        for district in own["districts"]:
            merged[_without_unit(district)].setdefault(province, [])
        for present, former in own["communes"].items():
            for name in (present, *former):
                merged[_without_unit(name)][province].append(Commune(present, province))
    everyday = {name.lower() for name in _known()["everyday_units"]}
    return _table(
        _Name(
            _syllables(name),
            tuple(of),
            everyday=2 if name.lower() in everyday else 0,
            unit=unit,
            communes=tuple(commune for communes in of.values() for commune in communes),
        )
        for (unit, name), of in merged.items()
    )


def _without_unit(name: str) -> tuple[str, str]:
    """``"Thị trấn Lao Bảo"`` → ``("thị trấn", "Lao Bảo")``."""
    unit = next(unit for unit in _UNITS.values() if name.lower().startswith(f"{unit} "))
    return unit, name[len(unit) + 1 :]


@lru_cache(maxsize=1)
def _unit_words() -> dict[tuple[str, ...], list[tuple[tuple[_Syllable, ...], str]]]:
    words: dict[tuple[str, ...], list[tuple[tuple[_Syllable, ...], str]]] = defaultdict(list)
    for written, unit in _UNITS.items():
        syllables = _syllables(written)
        words[tuple(s.letters for s in syllables)].append((syllables, unit))
    return words


# -- reading a message -----------------------------------------------------------------------


class _Message:
    def __init__(self, text: str, awaited: bool) -> None:
        self.text, self.awaited = text, awaited
        found = list(_SYLLABLE.finditer(text))
        self.words = [match.group() for match in found]
        self.spans = [match.span() for match in found]
        self.syllables = [_Syllable.of(word) for word in self.words]
        self.plain = not has_accents(text)
        self.shouted = text.isupper()

    def places(self) -> Iterator[Place]:
        position = taken = 0
        while position < len(self.words):
            name, end = self._after_unit(position) or self._free(position, taken) or (None, position + 1)
            if name and name.provinces:
                yield self._place(name, position, end)
            position, taken = end, end if name else taken

    def whole_name(self) -> Place | None:
        """The message as the bare name of a commune or district, with nothing else in it but politeness."""
        for position in range(len(self.words)):
            for end, name in self._matches(_units(), position):
                rest = " ".join(self.words[:position] + self.words[end:])
                if not content_words(rest) and not self.words[position].isdigit():
                    return self._place(name, position, end)
        return None

    def _place(self, name: _Name, start: int, end: int) -> Place:
        return Place(self.spans[start][0], self.spans[end - 1][1], name.provinces, name.communes)

    def _after_unit(self, position: int) -> tuple[_Name, int] | None:
        unit = self._unit(position)
        if not unit:
            return None
        kind, start = unit
        if kind in ("tỉnh", "thành phố"):
            for end, name in self._matches(_well_known(), start):
                if name.provinces:
                    return name, end
        if kind == "tỉnh":
            return None
        for end, name in self._matches(_units(), start, kind):
            if not name.everyday or self._written_as_name(start, end):
                return name, end
        return None

    def _unit(self, position: int) -> tuple[str, int] | None:
        """The kind of unit that a unit word here names, and where its name begins."""
        for length in (2, 1):
            here = self.syllables[position : position + length]
            for syllables, unit in _unit_words().get(tuple(s.letters for s in here), []):
                end = position + length
                written = tuple(here) == syllables or (self.plain and not any(s.marks for s in here))
                if written and end < len(self.words) and self._stands_alone(position, end, unit):
                    return unit, end
        return None

    def _stands_alone(self, position: int, end: int, unit: str) -> bool:
        """Not a part of another word, and an abbreviation only if it looks like one."""
        before = self.syllables[position - 1].letters if position and not self._gap(position) else ""
        if before in _NOT_A_UNIT_AFTER.get(unit, ()):
            return False
        if self.words[position].lower() in _ABBREVIATIONS:
            return self.text[self.spans[position][1] :].startswith(".") or self.words[end].isdigit()
        return True

    def _free(self, position: int, taken: int) -> tuple[_Name, int] | None:
        """A well-known name without a unit word."""
        for end, name in self._matches(_well_known(), position):
            if not name.provinces or self._is_place(name, position, end, taken):
                return name, end
        return self._unique(position, taken)

    def _unique(self, position: int, taken: int) -> tuple[_Name, int] | None:
        """The name of a commune or district that the country has once, written as a name after a word for "where"."""
        if not self._written_as_name(position, position + 2) or not self._after(_WHERE, set(), position, taken):
            return None
        for end, name in self._matches(_units(), position):
            exact = tuple(self.syllables[position:end]) == name.syllables
            if exact and end > position + 1 and len(name.provinces) == 1 and self._written_as_name(position, end):
                return name, end
        return None

    def _written_as_name(self, start: int, end: int) -> bool:
        return all(word[0].isupper() for word in self.words[start:end]) and not self.shouted

    def _matches(self, names: _Names, start: int, unit: str = "") -> Iterator[tuple[int, _Name]]:
        """Names that are written at ``start``, the longest first; those of another kind of unit last."""
        for end in range(min(len(self.words), start + _LONGEST), start, -1):
            letters = tuple(syllable.letters for syllable in self.syllables[start:end])
            fitting = [name for name in names.get(letters, []) if self._agrees(name, start, end)]
            if not self.words[start].isdigit() and self.plain and _is_commune(unit) and end == start + 1:
                continue  # one plain syllable after "xa", "phuong" may be any word
            same = [name for name in fitting if name.unit == unit]
            chosen = same or [name for name in fitting if not unit or _is_commune(name.unit) == _is_commune(unit)]
            if chosen:
                yield end, _merged(chosen)

    def _agrees(self, name: _Name, start: int, end: int) -> bool:
        """Whether the accents are right; all of them may be missing."""
        here = self.syllables[start:end]
        return tuple(here) == name.syllables or not any(syllable.marks for syllable in here)

    def _is_place(self, name: _Name, start: int, end: int, taken: int) -> bool:
        if self._after(_OF_SOMETHING_ELSE, _OF_SOMETHING_ELSE_PLAIN, start, taken):
            return self.syllables[start - 2].letters == "cap" if start > 1 else False
        exact = tuple(self.syllables[start:end]) == name.syllables and not self.plain
        if (not exact or not name.has_marks) and self._another_word(start, end):
            return False
        doubt = name.everyday if not exact or name.everyday == 2 else 0
        return not doubt or self.awaited or self._has_sign(start, end, taken, doubt)

    def _has_sign(self, start: int, end: int, taken: int, doubt: int) -> bool:
        """Something shows that the words are a name: capitals, "ở" before them, or they end the sentence."""
        if self._written_as_name(start, end) or self._after(_BEFORE_PLACES, _BEFORE_PLACES_PLAIN, start, taken):
            return True
        return doubt == 1 and start > 0 and (end == len(self.words) or self._gap(end))

    def _another_word(self, start: int, end: int) -> bool:
        """Whether the words around make it something else: "nhà hai phòng", "hai phòng trọ"."""
        key = " ".join(fold(word) for word in self.words[start:end])
        before = self.syllables[start - 1].letters if start else ""
        after = self.syllables[end].letters if end < len(self.words) and not self._gap(end) else ""
        return before in _known()["not_after"].get(key, ()) or after in _known()["not_before"].get(key, ())

    def _after(self, accented: set[str], plain: set[str], start: int, taken: int) -> bool:
        """Whether one of these words stands directly before ``start``, and is not itself part of a place's name."""
        for length in (1, 2):
            if start - length >= taken and not self._gap(start):
                words = " ".join(self.words[start - length : start]).lower()
                if words in accented or (self.plain and words in plain):
                    return True
        return False

    def _gap(self, position: int) -> bool:
        """Whether punctuation stands before the word."""
        return bool(position) and bool(self.text[self.spans[position - 1][1] : self.spans[position][0]].strip(" -–"))


def _is_commune(unit: str) -> bool:
    return unit in _COMMUNE_UNITS


def _merged(names: list[_Name]) -> _Name:
    """Names that are written alike as one, in all their provinces."""
    provinces = tuple(dict.fromkeys(province for name in names for province in name.provinces))
    communes = tuple(dict.fromkeys(commune for name in names for commune in name.communes))
    return _Name(names[0].syllables, provinces, max(name.everyday for name in names), names[0].unit, communes)
