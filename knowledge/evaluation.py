"""The benchmark: how well search and answers do on a file of questions with known right procedures."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from knowledge.answers import FIELDS
from knowledge.search.decision import Decision


class QuestionsFileError(ValueError):
    """The questions file cannot be used; the message names the line."""


class Question(BaseModel):
    """One row of a questions file."""

    model_config = ConfigDict(extra="ignore")

    id: str
    question: str
    behavior: Decision = Decision.ANSWER
    acceptable_codes: list[str] = []
    fields: list[str] = []
    style: str | None = None
    field: str | None = None


class Expectation(BaseModel):
    model_config = ConfigDict(extra="ignore")

    behavior: Decision = Decision.ANSWER
    acceptable_codes: list[str] = []
    fields: list[str] = []


class DialogueTurn(BaseModel):
    user: str
    expect: Expectation


class Dialogue(BaseModel):
    """A talk with what is expected after each message."""

    model_config = ConfigDict(extra="ignore")

    id: str
    turns: list[DialogueTurn]


def read_questions(path: Path) -> tuple[list[Question], list[Dialogue]]:
    """Questions and dialogues of a JSON-lines file.

    Raises:
        QuestionsFileError: the file or a line of it is not in the format.
    """
    questions: list[Question] = []
    dialogues: list[Dialogue] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionsFileError(f"{path}: cannot be read ({error.__class__.__name__})") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if isinstance(row, dict) and "turns" in row:
                dialogues.append(Dialogue.model_validate(row))
            else:
                questions.append(Question.model_validate(row))
        except (ValueError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise QuestionsFileError(f"{path}, line {number}: not a question ({reason})") from None
    if not questions and not dialogues:
        raise QuestionsFileError(f"{path}: no questions in it")
    return questions, dialogues


@dataclass(frozen=True)
class Outcome:
    """What the system did with one question. ``answered_fields`` is None where only search was asked."""

    decision: Decision
    codes: Sequence[str]
    ms: float
    answered_fields: Sequence[str] | None = None


@dataclass
class Evaluation:
    """Figures over a set of questions, and the errors to read."""

    figures: dict[str, object]
    by_style: dict[str, dict[str, object]] = field(default_factory=dict)
    by_field: dict[str, dict[str, object]] = field(default_factory=dict)
    errors: list[dict[str, object]] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        return {**self.figures, "by_style": self.by_style, "by_field": self.by_field}


def evaluate(
    questions: Sequence[Question],
    ask: Callable[[Question], Outcome],
    known_codes: set[str],
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Ask every question and count.

    Args:
        questions: the rows.
        ask: runs the system on one question, with at least ten candidates.
        known_codes: codes in the catalogue; rows whose right codes are all unknown are skipped.
        progress: called with the number of questions done.
    """
    rows: list[tuple[Question, Outcome | None]] = []
    for number, question in enumerate(questions, start=1):
        skipped = question.behavior is not Decision.ABSTAIN and not known_codes & set(question.acceptable_codes)
        rows.append((question, None if skipped else ask(question)))
        if progress:
            progress(number)
    asked = [(q, o) for q, o in rows if o is not None]
    result = Evaluation({**_figures(asked), "skipped": len(rows) - len(asked)})
    result.by_style = _grouped(asked, lambda q: q.style or "unstated")
    result.by_field = _grouped(asked, lambda q: q.field or "unstated")
    result.errors = [_error(q, o) for q, o in asked if not _right(q, o)]
    return result


def _grouped(
    asked: list[tuple[Question, Outcome]], key: Callable[[Question], str]
) -> dict[str, dict[str, object]]:
    groups: dict[str, list[tuple[Question, Outcome]]] = defaultdict(list)
    for question, outcome in asked:
        groups[key(question)].append((question, outcome))
    return {name: _figures(rows) for name, rows in sorted(groups.items())}


def _figures(asked: list[tuple[Question, Outcome]]) -> dict[str, object]:
    ranked = [(q, o) for q, o in asked if q.behavior is not Decision.ABSTAIN]
    ranks = [_rank(q, o) for q, o in ranked]
    should_clarify = [o for q, o in asked if q.behavior is Decision.CLARIFY]
    should_abstain = [o for q, o in asked if q.behavior is Decision.ABSTAIN]
    with_fields = [(q, o) for q, o in asked if q.behavior is Decision.ANSWER and q.fields and o.answered_fields is not None]
    times = [o.ms for _q, o in asked]
    return {
        "n": len(asked),
        "recall@1": _share(rank <= 1 for rank in ranks),
        "recall@3": _share(rank <= 3 for rank in ranks),
        "recall@10": _share(rank <= 10 for rank in ranks),
        "mrr": round(float(np.mean([1 / rank for rank in ranks])), 4) if ranks else None,
        "wrong_answer_rate": _share(_wrong_answer(q, o) for q, o in asked),
        "answered": _share(o.decision is Decision.ANSWER for _q, o in asked),
        "clarify_when_should": _share(o.decision is Decision.CLARIFY for o in should_clarify),
        "abstain_when_should": _share(o.decision is Decision.ABSTAIN for o in should_abstain),
        "abstain_when_should_not": _share(o.decision is Decision.ABSTAIN for _q, o in ranked),
        "field_accuracy": _share(_fields_right(q, o) for q, o in with_fields),
        "p50_ms": round(float(np.percentile(times, 50)), 2) if times else None,
        "p95_ms": round(float(np.percentile(times, 95)), 2) if times else None,
    }


def _share(values: Iterable[bool]) -> float | None:
    counted = list(values)
    return round(sum(counted) / len(counted), 4) if counted else None


def _rank(question: Question, outcome: Outcome) -> float:
    places = [place for place, code in enumerate(outcome.codes, start=1) if code in question.acceptable_codes]
    return min(places, default=float("inf"))


def _wrong_answer(question: Question, outcome: Outcome) -> bool:
    if outcome.decision is not Decision.ANSWER:
        return False
    return question.behavior is Decision.ABSTAIN or _rank(question, outcome) > 1


def _fields_right(question: Question, outcome: Outcome) -> bool:
    """Every asked field is answered, and nothing that was not asked crowds it out."""
    answered = set(outcome.answered_fields or [])
    asked = {f for f in question.fields if f in FIELDS}
    return asked <= answered and len(answered - asked) <= 1


def _right(question: Question, outcome: Outcome) -> bool:
    if question.behavior is Decision.ABSTAIN:
        return outcome.decision is Decision.ABSTAIN
    return outcome.decision is question.behavior and _rank(question, outcome) <= (1 if question.behavior is Decision.ANSWER else 5)


def _error(question: Question, outcome: Outcome) -> dict[str, object]:
    rank = _rank(question, outcome)
    return {
        "id": question.id,
        "question": question.question,
        "style": question.style,
        "expected": question.behavior,
        "acceptable_codes": question.acceptable_codes,
        "decision": outcome.decision,
        "codes": list(outcome.codes[:3]),
        "rank": None if rank == float("inf") else rank,
        "fields": question.fields,
        "answered_fields": outcome.answered_fields,
    }
