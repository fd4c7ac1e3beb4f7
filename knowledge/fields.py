"""Which facts a message asks for: papers, fee, time, place ... found by the words of the question.

Standard library only, Python 3.10 or newer: Rasa, the app and the search share this module.
The words stand in ``fields.json``, written with accents; they match text typed with or without them.

A rule is a row of words. ``a`` is a word, ``(a|b c)`` one of several, ``x?`` may be missing, ``~3`` is a gap of
up to three words that belong to the procedure (they are kept by :func:`strip_fields`), ``[a|b]`` are words that
must stand there but are not used up, ``<NAME>`` stands for a group defined under ``groups``, ``^`` and ``$`` are
the ends of a sentence. Rules are tried in the order of the file, and words that one rule has used up are gone for
the next, except between brackets. A rule whose field is ``null`` only protects its words: "lệ phí trước bạ" is the
name of a tax, not a question about money.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from knowledge.text import fold, normalize

FIELDS = ("documents", "fee", "time", "place", "method", "form", "conditions", "result", "legal", "overview")
"""The kinds of facts, in the order in which an answer gives them."""

_DATA = Path(__file__).with_name("fields.json")
_WORD = re.compile(r"[^\W_]+")
_PIECE = re.compile(r"[^\W_]+|,")
_ENDS = re.compile(r"[.?!;\n]+(?=\s|$)")
_USED = "\N{BULLET}"
"""Marks a word that a rule has used up; no word contains it."""
_KEPT = "\N{WHITE BULLET}"
"""Marks a word that a rule without a field protects: no other rule uses it, but it may stand in a gap."""


class _Rule(NamedTuple):
    field: str | None
    pattern: re.Pattern[str]
    words: frozenset[str]
    needed: tuple[frozenset[str], ...]
    """For each part that must be there, its possible words without accents: a quick way to rule a rule out."""


class _Data(NamedTuple):
    rules: tuple[_Rule, ...]
    dropped: frozenset[str]
    hollow: frozenset[str]
    weak: frozenset[str]
    fillers: frozenset[str]


class _Found(NamedTuple):
    fields: list[str]
    asking: list[bool]
    """For each word, whether a rule with a field used it."""


def _elements(rule: str) -> list[str]:
    """Split a rule at the blanks that stand outside parentheses and brackets."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(rule + " "):
        depth += (c in "([") - (c in ")]")
        if c == " " and depth == 0:
            if i > start:
                parts.append(rule[start:i])
            start = i + 1
    return parts


def _rule(field: str | None, text: str, groups: dict[str, str]) -> _Rule:
    for _ in range(3):  # a group may use other groups
        text = re.sub(r"<(\w+)>", lambda m: f"({groups[m[1]]})", text)
    regex, needed = "", []
    for element in _elements(text):
        optional = "?" if element.endswith("?") else ""
        words = fold(element.rstrip("?"))
        if element in "^$":
            regex += {"^": r"(?:(?<!\S)\| |^)", "$": r"(?=\| |$)"}[element]
            continue
        if element.startswith("~"):
            most = int(element[1:])
            regex += rf"((?:[^\s|{_USED}{',' if most < 5 else ''}]+ ){{0,{most}}}?)"  # a short gap stops at a comma
            continue
        if element.startswith("["):
            words = re.sub(r"([^\W_]+)", rf"[{_USED}{_KEPT}]?\1", words.strip("[]"))
            regex += f"((?:(?:{words.replace('(', '(?:')}) ){optional})"
        else:
            regex += f"(?:{words.replace('(', '(?:')} ){optional}"
        if not optional:
            needed.append(frozenset(_PIECE.findall(words)))
    spelt = _WORD.findall(text.lower())
    spelt += [word.replace("đ", "d") for word in spelt]  # "ở dâu" is a common slip
    return _Rule(field, re.compile(r"(?<!\S)" + regex), frozenset(spelt), tuple(needed))


@lru_cache(maxsize=1)
def _data() -> _Data:
    raw = json.loads(_DATA.read_text(encoding="utf-8"))
    rules = tuple(_rule(block["field"], rule, raw["groups"]) for block in raw["rules"] for rule in block["words"])
    words = (frozenset(raw[name]) for name in ("dropped", "hollow", "weak"))
    return _Data(rules, *words, frozenset(raw["fillers"].split()))


def _split(text: str) -> list[str]:
    """Words and commas of ``text`` in lower case; ``|`` stands where a sentence ends."""
    words: list[str] = []
    for sentence in _ENDS.split(text):
        found = _PIECE.findall(sentence.lower())
        if found:
            words += ["|", *found] if words else found
    return words


def _find(words: list[str]) -> _Found:
    return _find_cached(tuple(words))


@lru_cache(maxsize=64)  # finding the fields and stripping their words look at the same message
def _find_cached(words: tuple[str, ...]) -> _Found:
    data = _data()
    folded = [fold(word) for word in words]
    marks = [""] * len(words)
    asking = [False] * len(words)
    at: list[tuple[int, str]] = []
    present = set(folded)
    line = ""
    for rule in data.rules:
        if any(present.isdisjoint(words_of_part) for words_of_part in rule.needed):
            continue
        line = line or "".join(f"{mark}{word} " for word, mark in zip(folded, marks, strict=True))
        changed = False
        for match in rule.pattern.finditer(line):
            taken = _taken(line, match)
            other = sum(words[i] != folded[i] and words[i] not in rule.words for i in taken)
            if not taken or other > (len(taken) > 3):  # "màu" is not "mẫu"; in a longer match it is a slip
                continue
            for i in taken:
                marks[i] = _USED if rule.field else _KEPT
                asking[i] = rule.field is not None
            if rule.field:
                at.append((taken[0], rule.field))
            changed = True
        if changed:
            line = ""  # the next rule sees the new marks
    fields = list(dict.fromkeys(field for _, field in sorted(at)))
    if len(fields) > 1:
        fields = [field for field in fields if field not in data.weak] or fields[:1]
    return _Found(fields, asking)


def _taken(line: str, match: re.Match[str]) -> list[int]:
    """Positions of the words that ``match`` uses, gaps left out."""
    gaps = [match.span(g) for g in range(1, match.re.groups + 1)]
    first = line.count(" ", 0, match.start())
    taken, position = [], match.start()
    for offset, word in enumerate(line[match.start() : match.end()].split(" ")):
        inside = any(begin <= position < end for begin, end in gaps)
        if word and word not in "|," and not inside:
            taken.append(first + offset)
        position += len(word) + 1
    return taken


def asked_fields(text: str) -> list[str]:
    """The facts that ``text`` asks for, in the order in which it names them; empty when it names none.

    ``"Con tôi mới sinh cần giấy tờ gì, lệ phí bao nhiêu?"`` → ``["documents", "fee"]``
    """
    return list(_asked(text))


@lru_cache(maxsize=16)  # several components look at one message
def _asked(text: str) -> tuple[str, ...]:
    return tuple(_find(_split(normalize(text))).fields)


def strip_fields(text: str) -> str:
    """``text`` without the words that ask for facts, for searching the procedure; empty when nothing else is left.

    ``"con tôi mới sinh cần giấy tờ gì"`` → ``"con tôi mới sinh"``
    """
    words = _split(normalize(text))
    data = _data()
    while True:
        asking = _find(words).asking
        kept = [word for word, asks in zip(words, asking, strict=True) if not asks and word not in "|,"]
        while kept and kept[-1] in data.dropped:
            kept.pop()
        while kept and kept[0] in data.dropped:
            kept.pop(0)
        if all(fold(word) in data.hollow for word in kept):
            return ""
        if kept == words:
            return " ".join(kept)
        words = kept  # taking words out can bring the words of another rule together


def content_words(text: str) -> list[str]:
    """Folded words that carry a topic: what is left without politeness, pronouns and question words."""
    return [word for word in _WORD.findall(fold(text)) if word not in _data().fillers]
