"""A fixed part of the benchmark with a floor that only rises.

Runs over the starter catalogue, so that it needs no national data and stays quick; the figures over the
whole national catalogue are in docs/search.md (`motcua evaluate`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.evaluation import Evaluation, Outcome, Question, evaluate, read_questions
from knowledge.search.decision import Decision
from knowledge.search.engine import SearchEngine

FOLDER = Path(__file__).parent
FLOOR = {"recall@1": 0.91, "recall@3": 0.98}
CEILING = {"wrong_answer_rate": 0.035, "abstain_when_should_not": 0.03}
OUT_OF_SCOPE_ANSWERED_AT_MOST = 0.05


def ask(engine: SearchEngine) -> Evaluation:
    questions = [q for file in sorted(FOLDER.glob("*.jsonl")) for q in read_questions(file)[0]]
    known = {card.code for card in engine.index.cards}
    # A question that has a right answer outside the starter catalogue would be judged by what is not there.
    fixed = [q for q in questions if q.behavior is not Decision.CLARIFY and set(q.acceptable_codes) <= known]

    def outcome(question: Question) -> Outcome:
        found = engine.search(question.question, k=10)
        return Outcome(found.decision, [hit.code for hit in found.results], found.ms)

    return evaluate(fixed, outcome, known)


@pytest.fixture(scope="module")
def measured(starter_engine: SearchEngine) -> Evaluation:
    result = ask(starter_engine)
    print(result.figures)
    return result


def test_the_fixed_part_is_large_enough(measured: Evaluation) -> None:
    assert measured.figures["n"] >= 300  # type: ignore[operator]


@pytest.mark.parametrize(("figure", "floor"), FLOOR.items())
def test_no_figure_falls_below_its_floor(measured: Evaluation, figure: str, floor: float) -> None:
    assert measured.figures[figure] >= floor  # type: ignore[operator]


@pytest.mark.parametrize(("figure", "ceiling"), CEILING.items())
def test_no_rate_of_errors_rises(measured: Evaluation, figure: str, ceiling: float) -> None:
    assert measured.figures[figure] <= ceiling  # type: ignore[operator]


def test_out_of_scope_messages_are_not_answered(measured: Evaluation) -> None:
    out = [error for error in measured.errors if error["expected"] is Decision.ABSTAIN]
    answered = sum(error["decision"] is Decision.ANSWER for error in out)
    assert answered <= OUT_OF_SCOPE_ANSWERED_AT_MOST * 139
