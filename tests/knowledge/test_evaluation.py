"""The benchmark's figures on worked examples."""

from __future__ import annotations

import pytest

from knowledge.evaluation import Outcome, Question, evaluate
from knowledge.search.decision import Decision

ROWS = [
    # question, what the system did: decision, codes, answered fields
    ("right", "answer", ["A"], ["fee"], "answer", ["A", "B"], ["fee"]),
    ("second", "answer", ["A"], ["fee"], "answer", ["B", "A"], ["documents", "time", "fee"]),
    ("asked back", "clarify", ["A", "B"], [], "clarify", ["A", "B"], []),
    ("refused", "answer", ["A"], [], "abstain", ["C", "B", "D", "A"], []),
    ("out of scope", "abstain", [], [], "abstain", ["C"], []),
    ("fooled", "abstain", [], [], "answer", ["C"], []),
    ("unknown", "answer", ["Z"], [], "answer", ["C"], []),
]


def test_figures_by_hand() -> None:
    questions = [
        Question(id=name, question=name, behavior=behavior, acceptable_codes=codes, fields=fields, style="s")
        for name, behavior, codes, fields, *_rest in ROWS
    ]
    outcomes = {
        name: Outcome(Decision(decision), codes, 10.0, fields) for name, _b, _c, _f, decision, codes, fields in ROWS
    }
    figures = evaluate(questions, lambda q: outcomes[q.id], {"A", "B", "C", "D"}).to_dict()
    assert (figures["n"], figures["skipped"]) == (6, 1)
    assert figures["recall@1"] == pytest.approx(2 / 4)
    assert figures["recall@3"] == pytest.approx(3 / 4)
    assert figures["recall@10"] == 1.0
    assert figures["mrr"] == pytest.approx((1 + 1 / 2 + 1 + 1 / 4) / 4)
    assert figures["wrong_answer_rate"] == pytest.approx(2 / 6, abs=1e-4)
    assert figures["answered"] == pytest.approx(3 / 6)
    assert figures["clarify_when_should"] == 1.0
    assert figures["abstain_when_should"] == 0.5
    assert figures["abstain_when_should_not"] == pytest.approx(1 / 4)
    assert figures["field_accuracy"] == pytest.approx(1 / 2)
    assert figures["by_style"]["s"]["n"] == 6  # type: ignore[index]
