"""Search on real questions that people sent to ministries' portals, with right procedures found by hand.

The questions themselves are not ours to ship: they are read from ``../shared``, and ``faq-gold.jsonl`` names each by its
line and hash, with the procedures that answer it, and whether the reader was unsure. Most are asked by firms about
ministries' matters. Errors among the even lines were read while search was improved, those among the odd lines never:
only the odd lines are a measure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Cell, Report, Table, parser, say
from knowledge.evaluation import Evaluation, Outcome, Question, evaluate
from knowledge.search.decision import Decision
from knowledge.search.engine import SearchEngine
from knowledge.search.index import IndexMissingError
from knowledge.settings import ROOT, Settings

QUESTIONS = ROOT.parent / "shared/data/questions/real-unlabelled.jsonl"
GOLD = Path(__file__).with_name("faq-gold.jsonl")
FIGURES = ("recall@1", "recall@3", "recall@10", "answered", "wrong_answer_rate", "abstain_when_should_not")


@dataclass(frozen=True)
class Labelled:
    """A question with what answers it; ``kind`` is procedure, or why there is none: general, ambiguous, absent."""

    line: int
    text: str
    kind: str
    codes: tuple[str, ...]
    unsure: bool

    @property
    def question(self) -> Question:
        behavior = Decision.ANSWER if self.codes else Decision.ABSTAIN
        style = "accented" if not self.text.isascii() else "unaccented"
        return Question(
            id=str(self.line), question=self.text, behavior=behavior, acceptable_codes=list(self.codes), style=style
        )


def read(questions: Path = QUESTIONS, gold: Path = GOLD) -> list[Labelled]:
    """The questions with their labels.

    Raises:
        FileNotFoundError: the questions are not there.
        ValueError: a question is not the one that was labelled.
    """
    texts = [json.loads(line)["question"] for line in questions.read_text(encoding="utf-8").splitlines()]
    labelled = []
    for row in map(json.loads, gold.read_text(encoding="utf-8").splitlines()):
        text = texts[row["line"] - 1]
        if not hashlib.sha256(text.encode()).hexdigest().startswith(row["sha256"]):
            raise ValueError(f"line {row['line']} of {questions.name} is not the question that was labelled")
        labelled.append(Labelled(row["line"], text, row["kind"], tuple(row["codes"]), row["unsure"]))
    return labelled


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--home", type=Path, required=True, help="an installation with the national file, indexed")
    made.add_argument("--questions", type=Path, default=QUESTIONS, metavar="FILE", help="default: ../shared's")
    return made.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    try:
        engine, labelled = SearchEngine.open(Settings(home=options.home)), read(options.questions)
    except (IndexMissingError, FileNotFoundError, ValueError) as error:
        raise SystemExit(str(error)) from None
    say(f"{len(labelled)} questions …")
    tables = [_with_procedures(engine, labelled), _without(engine, labelled)]
    Report("faq", tables).publish(options.json)


def _with_procedures(engine: SearchEngine, labelled: list[Labelled]) -> Table:
    have = [one for one in labelled if one.codes]
    groups = {
        "odd lines (the measure)": [one for one in have if one.line % 2],
        "of these sure": [one for one in have if one.line % 2 and not one.unsure],
        "even lines": [one for one in have if not one.line % 2],
        "all accented": [one for one in have if not one.text.isascii()],
        "all unaccented": [one for one in have if one.text.isascii()],
    }
    rows: list[Sequence[Cell]] = []
    for name, members in groups.items():
        figures = _ask(engine, members).figures
        rows.append([name, *(figures[key] for key in ("n", *FIGURES))])  # type: ignore[misc]
    return Table("questions that a procedure answers", ["questions", "n", *FIGURES], rows)


def _without(engine: SearchEngine, labelled: list[Labelled]) -> Table:
    """What is done with questions that no procedure of the catalogue answers."""
    rows: list[Sequence[Cell]] = []
    for kind in ("general", "ambiguous", "absent"):
        made = [engine.search(one.text).decision for one in labelled if one.kind == kind]
        rows.append([kind, len(made), *(made.count(decision) for decision in Decision)])
    return Table("questions that no procedure answers", ["kind", "n", *map(str, Decision)], rows)


def _ask(engine: SearchEngine, members: list[Labelled]) -> Evaluation:
    def outcome(question: Question) -> Outcome:
        found = engine.search(question.question, k=10)
        return Outcome(found.decision, [hit.code for hit in found.results], found.ms)

    return evaluate([one.question for one in members], outcome, {card.code for card in engine.index.cards})


if __name__ == "__main__":
    main()
