"""The bot's files fit together: no contradiction, nothing missing, nothing learnt by heart for the measurement."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from knowledge.text import fold, normalize

ROOT = Path(__file__).resolve().parents[2]
BOT = ROOT / "bot"
STATUSES = {"small_talk", "out_of_scope", "emergency", "handoff"}
"""Those of the closed vocabulary (design.md) that a fixed response can have."""
FALLBACK = "nlu_fallback"
BUTTONS = {"give_proof", "watch_consent", "survey_answer", "start_survey", "start_petition"}
"""Intents that only the app sends, in place of a message or for a tapped button: nothing is to be recognised."""


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def plain(text: str) -> str:
    """What the classifier sees, more or less."""
    return " ".join(re.findall(r"\w+", fold(normalize(text)).lower())) or text


def examples() -> list[tuple[str, str]]:
    found = []
    for file in sorted((BOT / "data" / "nlu").glob("*.yml")):
        for block in read(file)["nlu"]:
            found += [(line[2:].strip(), block["intent"]) for line in block["examples"].splitlines() if line]
    return found


def intents() -> set[str]:
    return {name for entry in read(ROOT / "domain.yml")["intents"] for name in entry}


def rules() -> dict[str, str]:
    """What an intent leads to where no form waits."""
    found = {}
    for file in (BOT / "data" / "rules").glob("*.yml"):
        for rule in read(file)["rules"]:
            if "condition" in rule:
                continue
            found[rule["steps"][0]["intent"]] = rule["steps"][1]["action"]
    return found


def responses() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for file in (BOT / "responses").glob("*.yml"):
        found |= read(file)["responses"]
    return found


def held_out() -> list[str]:
    rows = []
    for name in ("nlu_heldout.yml", "nlu_heldout_slang.yml", "nlu_heldout_fresh.yml"):
        for entries in read(Path(__file__).with_name(name)).values():
            rows += [entry["text"] if isinstance(entry, dict) else str(entry) for entry in entries]
    return rows


def test_no_example_stands_in_two_intents_or_twice() -> None:
    seen: dict[str, str] = {}
    for text, intent in examples():
        key = text.lower()
        assert key not in seen, f"{text!r} is in {seen[key]} and {intent}"
        seen[key] = intent
    of_plain: dict[str, set[str]] = {}
    for text, intent in examples():
        of_plain.setdefault(plain(text), set()).add(intent)
    assert {text: names for text, names in of_plain.items() if len(names) > 1} == {}


def test_every_intent_has_enough_examples() -> None:
    count = Counter(intent for _, intent in examples())
    assert set(count) == intents() - {FALLBACK}
    few = {i: n for i, n in count.items() if n < (40 if i.startswith("ask_") else 25)}
    assert {i: n for i, n in few.items() if i not in BUTTONS} == {}


def test_held_out_messages_are_not_trained() -> None:
    trained = {plain(text) for text, _ in examples()}
    short = {"khai sinh"}
    both = [text for text in held_out() if plain(text) in trained - short and len(plain(text).split()) > 3]
    assert both == []


def test_every_intent_has_a_rule_and_every_rule_an_action() -> None:
    assert set(rules()) == intents()
    domain = read(ROOT / "domain.yml")
    assert set(rules().values()) <= {*domain["actions"], *domain["forms"], *responses()}


def test_questions_go_to_the_search() -> None:
    about = {i for i in intents() if i.startswith("ask_")} | {FALLBACK}
    about |= {"choose_option", "correct", "go_back", "more", "affirm", "deny"}
    assert {i for i, action in rules().items() if action == "action_answer"} == about


@pytest.mark.parametrize(("name", "variants"), responses().items())
def test_responses_are_fit_to_send(name: str, variants: list[dict[str, Any]]) -> None:
    for variant in variants:
        assert variant["custom"]["status"] in STATUSES
        assert "\n\n" not in variant["text"], "Rasa's REST channel would split it into two messages"
        numbers = re.findall(r"\d{3,}", variant["text"])
        assert set(numbers) <= {"113", "114", "115"}, "no telephone number is made up"
        assert 10 < len(variant["text"]) < 600


def test_slots_do_not_change_what_rasa_does() -> None:
    domain = read(ROOT / "domain.yml")
    assert all(slot["influence_conversation"] is False for slot in domain["slots"].values())
    entities = [options for entity in domain["entities"] for options in entity.values()]
    assert all(options["influence_conversation"] is False for options in entities)


def test_components_import_only_text_and_fields() -> None:
    for file in (BOT / "components").glob("*.py"):
        for module in re.findall(r"^\s*(?:from|import) (knowledge|actions|connectors)(\S*)", file.read_text(), re.M):
            assert "".join(module) in {"knowledge.text", "knowledge.fields"}, file.name
