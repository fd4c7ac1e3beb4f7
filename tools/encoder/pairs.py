"""Training pairs: what people say, and the procedure that they mean.

Reads phrase files (``knowledge/starter/*.yml``: a list of entries with ``code``, ``name``, ``phrases``;
``knowledge/phrases/*.yml`` and an office's own: lists of phrases keyed by code) and, for more names,
a catalogue with one JSON object a line (``code``, ``name``, ``results``).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml

from knowledge.fields import strip_fields
from knowledge.text import clean, fold, normalize

ROOT = Path(__file__).resolve().parents[2]
WRAPPERS = [
    "Dạ cho em hỏi {} ạ, em cảm ơn.",
    "Chào anh chị, {}, mong anh chị trả lời giúp.",
    "{} thì làm như thế nào ạ?",
    "Gia đình tôi ở xã, hiện nay {}. Vậy tôi cần chuẩn bị những gì và nộp ở đâu?",
    "Kính gửi cơ quan, tôi có vướng mắc như sau: {}. Xin được hướng dẫn thủ tục, thời hạn và lệ phí. Xin cảm ơn.",
    "ad ơi {} cần giấy tờ gì vậy",
    "{} hết bao nhiêu tiền, mấy ngày thì xong",
    "Tôi đã hỏi nhiều nơi mà chưa ai nói rõ. Việc của tôi là {}, phải đến cơ quan nào, có nộp trên mạng được không?",
]
NAME_OPENINGS = ["", "", "thủ tục ", "xin ", "làm ", "hồ sơ "]
NAME_SHARE, RESULT_SHARE = 0.35, 0.2
"""Shares of procedures whose name and result are asked for in one epoch: names are many and easy, phrases hard."""
MAX_RESULT = 120
"""Characters; a longer result is a paragraph, not the name of a paper."""


@dataclass
class Entry:
    """What is known of one procedure. ``names``: the official one first."""

    code: str
    names: list[str] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Pair:
    """``query`` as written in a file, and the positive ``passage``; no negatives within one ``group``."""

    query: str
    passage: str
    group: str


def without_prefix(name: str) -> str:
    """The name without "Thủ tục" in front, cleaned."""
    return re.sub(r"^(thủ tục( hành chính)?)\s*:?\s*", "", clean(name), flags=re.IGNORECASE)


def read_entries(phrase_files: Iterable[Path], catalogue: Path | None) -> dict[str, Entry]:
    """Everything of these files by code; entries without any name (a phrase file's unknown codes) are left out."""
    entries: dict[str, Entry] = {}
    for row in _catalogue_rows(catalogue):
        _add(entries, row["code"], [row["name"]], [], row.get("results") or [])
    for path in phrase_files:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if isinstance(content, dict):
            content = [{"code": code, "phrases": phrases} for code, phrases in content.items()]
        for row in content:
            names = [name for name in (row.get("name"), row.get("plain_name")) if name]
            _add(entries, row["code"], names, row.get("phrases") or [], row.get("results") or [])
    return {code: entry for code, entry in entries.items() if entry.names}


def _catalogue_rows(path: Path | None) -> Iterable[dict]:
    if path is None:
        return []
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _add(entries: dict[str, Entry], code: str, names: list[str], phrases: list[str], results: list[str] | str) -> None:
    code = str(code).strip()
    entry = entries.setdefault(code, Entry(code))
    results = [results] if isinstance(results, str) else results
    for kept, new in (
        (entry.names, map(without_prefix, names)),
        (entry.phrases, map(clean, phrases)),
        (entry.results, map(_result, results)),
    ):
        kept.extend(text for text in new if text and text not in kept)


def _result(text: str) -> str:
    """The first result that a record lists, without list marks and the portal's code of it."""
    first = re.split(r"\n|;|\(Mã:", text.strip(" \n*+-•"))[0]
    return clean(first).strip(" *+-•.,:")


def group_of(entry: Entry) -> str:
    """Procedures of the same name (one per ministry or level) are one group."""
    return fold(entry.names[0])


def is_held_out(phrase: str) -> bool:
    """Whether a phrase belongs to the tenth that is kept for measuring; the same at every run."""
    return hashlib.sha256(fold(phrase).encode()).digest()[0] < 26


def phrase_pairs(entries: dict[str, Entry], held_out: bool) -> list[Pair]:
    """Phrase to official name, of the held-out tenth or of the rest."""
    return [
        Pair(phrase, entry.names[0], group_of(entry))
        for entry in entries.values()
        for phrase in entry.phrases
        if is_held_out(phrase) == held_out
    ]


def training_pairs(entries: dict[str, Entry], rng: random.Random) -> list[Pair]:
    """One epoch's pairs: every phrase, and a part of the names and results; the positive varies from epoch to epoch."""
    pairs = []
    for entry in entries.values():
        group = group_of(entry)
        phrases = [phrase for phrase in entry.phrases if not is_held_out(phrase)]
        for phrase in phrases:
            pairs.append(Pair(phrase, _passage(entry, phrase, phrases, rng), group))
        name = rng.choice(entry.names)
        if rng.random() < NAME_SHARE:
            pairs.append(Pair(rng.choice(NAME_OPENINGS) + name[0].lower() + name[1:], entry.names[0], group))
        results = [result for result in entry.results if len(result) < MAX_RESULT]
        if results and rng.random() < RESULT_SHARE:
            pairs.append(Pair(f"xin {rng.choice(results).lower()}", entry.names[0], group))
    return pairs


def _passage(entry: Entry, phrase: str, phrases: list[str], rng: random.Random) -> str:
    """Mostly a name; now and then another phrase, since phrases are searched too."""
    others = [other for other in phrases if other != phrase]
    if others and rng.random() < 0.2:
        return rng.choice(others)
    return rng.choice(entry.names)


def without_accents(text: str, _: random.Random) -> str:
    """``khai sinh trễ`` → ``khai sinh tre``, letter case kept as typed on a telephone: small."""
    return fold(text)


def with_typo(text: str, rng: random.Random) -> str:
    """One slip of the fingers: two letters swapped, one lost or one doubled."""
    places = [i for i in range(1, len(text) - 1) if text[i].isalpha() and text[i + 1].isalpha()]
    if not places:
        return text
    i = rng.choice(places)
    slip = rng.choice([text[i + 1] + text[i], text[i + 1], text[i] * 2 + text[i + 1]])
    return text[:i] + slip + text[i + 2 :]


def with_abbreviations(text: str, rng: random.Random) -> str:
    """Some words as people shorten them in a chat: ``không`` → ``ko``, ``căn cước công dân`` → ``cccd``."""
    text = text.lower()
    for long, shorts in _abbreviations().items():
        if long in text and rng.random() < 0.7:
            text = re.sub(rf"(?<!\w){re.escape(long)}(?!\w)", rng.choice(shorts), text)
    return text


@lru_cache(maxsize=1)
def _abbreviations() -> dict[str, list[str]]:
    """Short forms by long form, the longest first."""
    groups = json.loads((ROOT / "knowledge/words.json").read_text(encoding="utf-8"))
    shorts: dict[str, list[str]] = {}
    for words in groups.values():
        for short, long in words.items():
            shorts.setdefault(long, []).append(short)
    return dict(sorted(shorts.items(), key=lambda item: -len(item[0])))


def wrapped(text: str, rng: random.Random) -> str:
    """The words inside a polite or long message, as real questions come."""
    return rng.choice(WRAPPERS).format(text)


def unchanged(text: str, _: random.Random) -> str:
    return text


CHANGES: list[tuple[float, Callable[[str, random.Random], str]]] = [
    (0.35, unchanged),
    (0.30, without_accents),
    (0.15, with_abbreviations),
    (0.08, with_typo),
    (0.12, wrapped),
]


def as_typed(text: str, rng: random.Random) -> str:
    """One way in which somebody may type ``text``; half of the time as search sees it.

    Search writes abbreviations out and takes away the words that ask for a fact ("cần giấy tờ gì").
    """
    weights, changes = zip(*CHANGES, strict=True)
    text = rng.choices(changes, weights)[0](text, rng)
    if rng.random() < 0.1:
        text = fold(text)
    return _as_searched(text) if rng.random() < 0.5 else text


def _as_searched(text: str) -> str:
    return strip_fields(text) or normalize(text)
