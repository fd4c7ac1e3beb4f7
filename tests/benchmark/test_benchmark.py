"""The benchmark itself: well formed, its gold in the catalogue, and apart from everything that is learned."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from knowledge.answers import FIELDS
from knowledge.evaluation import read_questions
from knowledge.phrase_bank import SHIPPED, PhraseBank
from knowledge.search.index import outside_messages
from knowledge.settings import ROOT
from knowledge.text import fold, normalize, tokens

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.jsonl"))
ROWS = [json.loads(line) for file in FILES for line in file.read_text(encoding="utf-8").splitlines()]
QUESTIONS = [row for row in ROWS if "question" in row]
DIALOGUES = [row for row in ROWS if "turns" in row]
MAX_OVERLAP = 0.75
"""Share of words that a question may have in common with a phrase (Jaccard, folded, short function words left out)."""


@cache
def words(text: str) -> frozenset[str]:
    return frozenset(word for word in tokens(fold(normalize(text))) if len(word) > 1)


def overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a | b else 0.0


def learned() -> list[str]:
    """Every phrase that search or Rasa learns from."""
    phrases = [p for own in PhraseBank.load([SHIPPED]).phrases.values() for p in own]
    for path in (ROOT / "knowledge" / "starter").glob("*.yml"):
        phrases += [p for entry in yaml.safe_load(path.read_text(encoding="utf-8")) for p in entry["phrases"]]
    phrases += outside_messages()
    for path in (ROOT / "tools" / "search" / "questions").glob("*.jsonl"):  # thresholds are fitted on these
        phrases += [r["question"] for r in map(json.loads, path.read_text(encoding="utf-8").splitlines()) if "question" in r]
    for path in (ROOT / "bot" / "data" / "nlu").glob("*.yml"):
        phrases += re.findall(r"^\s+- (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return phrases


def test_every_file_is_in_the_format() -> None:
    for file in FILES:
        read_questions(file)
    ids = [row["id"] for row in ROWS]
    assert len(ids) == len(set(ids))
    assert len(QUESTIONS) >= 800
    assert len(DIALOGUES) >= 60
    assert sum(row["behavior"] == "abstain" for row in QUESTIONS) >= 120
    assert len(Counter(row["style"] for row in QUESTIONS)) >= 7
    for row in QUESTIONS:
        assert set(row["fields"]) <= set(FIELDS), row["id"]
        assert bool(row["acceptable_codes"]) == (row["behavior"] != "abstain"), row["id"]
        assert row["question"] == unicodedata.normalize("NFC", row["question"]), row["id"]
        if row["style"] == "unaccented":
            assert row["question"].isascii(), row["id"]


@pytest.mark.national
def test_gold_codes_are_in_the_catalogue_with_details(national_records: dict[str, dict[str, Any]]) -> None:
    gold = {code for row in QUESTIONS for code in row["acceptable_codes"]}
    gold |= {code for row in DIALOGUES for turn in row["turns"] for code in turn["expect"]["acceptable_codes"]}
    assert gold - set(national_records) == set()


def test_no_question_is_a_near_copy_of_a_phrase() -> None:
    bags = {words(phrase) for phrase in learned()}
    seen = Counter(word for bag in bags for word in bag)
    by_word: dict[str, set[frozenset[str]]] = {}
    for bag in bags:
        for word in bag:
            by_word.setdefault(word, set()).add(bag)
    copies = []
    for row in QUESTIONS:
        asked = words(row["question"])
        if len(asked) < 3:
            continue  # two words ("mất cà vẹt") have no other way to be said
        # A phrase with so many words in common holds at least one of the question's rarest ones.
        rarest = sorted(asked, key=lambda word: seen[word])[: len(asked) - math.ceil(MAX_OVERLAP * len(asked)) + 1]
        near = {bag for word in rarest for bag in by_word.get(word, ()) if overlap(asked, bag) > MAX_OVERLAP}
        copies += [(row["id"], row["question"], sorted(bag)) for bag in near]
    assert copies == []
