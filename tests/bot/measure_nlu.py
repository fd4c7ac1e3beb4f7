"""Measures a trained model on the held-out messages: accented, the same without accents, slang, and a fresh set.

Run it in the Rasa environment from the root of the checkout:

    PYTHONPATH=. .venv-rasa/bin/python tests/bot/measure_nlu.py var/rasa-models/motcua.tar.gz [--errors] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

from bot.components.fields import ABOUT_PROCEDURES, FIELD_OF_INTENT
from knowledge.fields import asked_fields
from knowledge.text import fold

HERE = Path(__file__).parent


def held_out(file: str) -> list[tuple[str, str, list[str]]]:
    """Rows of (message, intent, fields); the intent of a message that asks for several facts is any of them."""
    rows = []
    for intent, examples in yaml.safe_load((HERE / file).read_text(encoding="utf-8")).items():
        for example in examples:
            if isinstance(example, dict):
                rows.append((example["text"], "several_fields", example["fields"]))
            else:
                rows.append((str(example), intent, [FIELD_OF_INTENT[intent]] if intent in FIELD_OF_INTENT else []))
    return rows


def sets() -> dict[str, list[tuple[str, str, list[str]]]]:
    accented = held_out("nlu_heldout.yml")
    return {
        "accented": accented,
        "unaccented": [(fold(unicodedata.normalize("NFC", text)), i, f) for text, i, f in accented],
        "slang": held_out("nlu_heldout_slang.yml"),
        "fresh": (fresh := held_out("nlu_heldout_fresh.yml")),
        "fresh_unaccented": [(fold(unicodedata.normalize("NFC", text)), i, f) for text, i, f in fresh],
    }


def right(intent: str, fields: list[str], said: str) -> bool:
    if intent == "several_fields":
        return FIELD_OF_INTENT.get(said, "overview") in fields
    return intent == said


async def measure(model: str, errors: bool) -> dict[str, Any]:
    from rasa.core.agent import Agent

    agent = Agent.load(model)
    report: dict[str, Any] = {}
    for name, rows in sets().items():
        good: dict[str, list[bool]] = defaultdict(list)
        field_sets: dict[str, list[bool]] = {"words": [], "intent": [], "both": []}
        spent, turned_away = [], 0
        for text, intent, fields in rows:
            start = time.perf_counter()
            result = await agent.parse_message(text)
            spent.append(1000 * (time.perf_counter() - start))
            said = result["intent"]["name"]
            good[intent].append(right(intent, fields, said))
            if errors and not good[intent][-1]:
                print(f"{name}: {intent} -> {said} {result['intent']['confidence']:.2f} | {text}")
            about = intent.startswith("ask_") or intent == "several_fields"
            if about:
                turned_away += said not in ABOUT_PROCEDURES
                found = {e["value"] for e in result["entities"] if e["entity"] == "field"}
                wanted = set(fields)
                for way, got in {
                    "words": set(asked_fields(text)),
                    "intent": {FIELD_OF_INTENT[said]} if said in FIELD_OF_INTENT else set(),
                    "both": found,
                }.items():
                    field_sets[way].append(got - {"overview"} == wanted - {"overview"})
                if errors and not field_sets["both"][-1]:
                    print(f"{name}: fields {sorted(wanted)} -> {sorted(found)} | {text}")
        every = [g for row in good.values() for g in row]
        report[name] = {
            "messages": len(rows),
            "intent_accuracy": round(statistics.mean(every), 3),
            "macro_accuracy": round(statistics.mean(statistics.mean(g) for g in good.values()), 3),
            "field_set_accuracy": {way: round(statistics.mean(g), 3) for way, g in field_sets.items()},
            "procedure_questions_turned_away": round(turned_away / len(field_sets["both"]), 3),
            "per_intent": {intent: f"{sum(g)}/{len(g)}" for intent, g in good.items()},
            "parse_ms_p50": round(statistics.median(spent), 1),
            "parse_ms_p95": round(statistics.quantiles(spent, n=20)[18], 1),
        }
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--errors", action="store_true", help="print what went wrong")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = asyncio.run(measure(arguments.model, arguments.errors))
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        intents = list(dict.fromkeys(i for r in report.values() for i in r["per_intent"]))
        for key in (key for key in next(iter(report.values())) if key != "per_intent"):
            print(f"{key:32}", *(f"{name}: {r[key]}" for name, r in report.items()))
        for intent in intents:
            print(f"{intent:32}", *(f"{name}: {r['per_intent'].get(intent, '-')}" for name, r in report.items()))
