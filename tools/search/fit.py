"""Fit how candidates are ranked, and when to answer, to ask back and to abstain.

Writes ``knowledge/search/ranking.json`` and ``decision.json``. Development questions only: the tenth of the
phrases that the encoder never saw, held out of the index for this run too; ``tools/search/questions/``; files
given by ``--questions``; for what is out of scope also the examples of Rasa's training data. All with and
without accents. Nothing of ``tests/benchmark`` is read.

    python -m tools.search.fit --home var --questions ../shared/data/questions/dev-gold.jsonl
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from knowledge import sources
from knowledge.catalogue import Catalogue
from knowledge.evaluation import Question, read_questions
from knowledge.fields import strip_fields
from knowledge.phrase_bank import PhraseBank
from knowledge.procedure import Procedure
from knowledge.search.decision import Decision, Evidence, Model, evidence
from knowledge.search.encoder import Encoder
from knowledge.search.features import FEATURES
from knowledge.search.index import Index, build, outside_messages
from knowledge.search.ranking import Ranker, Ranking, shipped_weights
from knowledge.settings import ROOT, Settings
from knowledge.text import clean, fold, normalize
from tools.encoder.pairs import is_held_out

SEARCH = ROOT / "knowledge" / "search"
OWN_QUESTIONS = Path(__file__).parent / "questions"
FOLDS = 5
SMOOTHING = 1e-3  # L2 on standardised weights
PHRASE_WEIGHT = 0.25
"""What a held-out phrase counts beside a question. Phrases are as many for rare procedures as for everyday
ones, and shorter and harder than what people ask; questions show how often things are asked."""


@dataclass(frozen=True)
class Row:
    """One development question as the ranker saw it; ``right`` marks the right candidates."""

    question: Question
    source: str
    ranking: Ranking
    right: np.ndarray

    @property
    def weight(self) -> float:
        return PHRASE_WEIGHT if self.source == "phrases" else 1.0


# -- questions ---------------------------------------------------------------------------------


def held_out(procedures: Iterator[Procedure], questions: list[Question]) -> Iterator[Procedure]:
    """Procedures without the phrases that the encoder was not trained on, which become questions."""
    for procedure in procedures:
        held = [phrase for phrase in procedure.phrases if is_held_out(clean(phrase))]
        procedure.phrases = [phrase for phrase in procedure.phrases if phrase not in held]
        questions += [
            Question(id=f"{procedure.code}-{n}", question=phrase, behavior=Decision.ANSWER, acceptable_codes=[procedure.code])
            for n, phrase in enumerate(held)
        ]
        yield procedure


def out_of_scope() -> list[Question]:
    """Rasa's training examples of what is not our business."""
    text = (ROOT / "bot" / "data" / "nlu" / "outside.yml").read_text(encoding="utf-8")
    block = text.split("intent: out_of_scope", 1)[1].split("- intent:", 1)[0]
    lines = [line.strip()[2:].strip() for line in block.splitlines() if re.match(r"\s+- \S", line)]
    return [Question(id=f"nlu-{n}", question=line, behavior=Decision.ABSTAIN) for n, line in enumerate(lines)]


def outside_rows(ranker: Ranker) -> list[Row]:
    """The messages of ``outside.yml``, each judged as if it were not in there."""
    messages = outside_messages()
    vectors = np.asarray(ranker.index.outside)
    rows = []
    for at, text in enumerate(messages):
        others = np.delete(vectors, at, axis=0)
        for form in dict.fromkeys((text, fold(text))):
            message = normalize(form)
            ranking = ranker.rank(strip_fields(message) or message)
            nearest = float((others @ ranking.vector).max())
            question = Question(id=f"outside-{at}", question=text, behavior=Decision.ABSTAIN)
            nothing = np.zeros(len(ranking.order), dtype=bool)
            rows.append(Row(question, "outside", replace(ranking, outside=nearest), nothing))
    return rows


def rows_over(
    settings: Settings, encoder: Encoder, name: str, procedures: Iterator[Procedure], asked: dict[str, list[Question]]
) -> list[Row]:
    """Every question with the candidates that one catalogue gives for it."""
    folder = settings.home / f"fit-{name}"
    if not folder.exists() and settings.index_dir.exists():
        shutil.copytree(settings.index_dir, folder)  # its vectors are reused
    phrases: list[Question] = []
    kept = list(held_out(PhraseBank.of(settings).added_to(procedures), phrases))
    build(folder, kept, encoder, f"fit of {len(kept)} with {len(phrases)} held out at {settings.index_dir.stat().st_mtime_ns}")
    ranker = Ranker(Index.open(folder, encoder), encoder)
    known = {procedure.code for procedure in kept}
    rows = outside_rows(ranker)
    for source, questions in {"phrases": phrases, **asked}.items():
        for question in questions:
            if question.behavior is not Decision.ABSTAIN and not known & set(question.acceptable_codes):
                continue
            for form in dict.fromkeys((question.question, fold(question.question))):
                message = normalize(form)
                ranking = ranker.rank(strip_fields(message) or message)
                codes = [ranker.index.cards[int(p)].code for p in ranking.order]
                rows.append(Row(question, source, ranking, np.isin(codes, question.acceptable_codes)))
    return rows


# -- ranking -----------------------------------------------------------------------------------


def fit_weights(rows: list[Row]) -> np.ndarray:
    """Weights that make a right candidate the most likely one: a conditional (softmax) logit model."""
    used = [row for row in rows if row.right.any()]
    spread = np.concatenate([row.ranking.features for row in used]).std(axis=0) + 1e-6
    tables = [(row.ranking.features / spread, row.right, row.weight) for row in used]
    n = sum(row.weight for row in used)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total, slope = 0.0, np.zeros_like(weights)
        for features, right, weight in tables:
            logits = features @ weights
            odds = np.exp(logits - logits.max())
            share = odds / odds.sum()
            mass = share[right].sum()
            total -= weight * np.log(mass + 1e-12)
            slope -= weight * features.T @ (share * right / mass - share)
        return total / n + SMOOTHING * weights @ weights, slope / n + 2 * SMOOTHING * weights

    start = np.zeros(len(FEATURES))
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x / spread


def reordered(row: Row, weights: np.ndarray) -> Row:
    """The row as a ranker with these weights would have given it."""
    old = row.ranking
    logits = old.features @ weights
    order = np.argsort(-logits, kind="stable")
    ranking = replace(old, order=old.order[order], features=old.features[order], logits=logits[order])
    return replace(row, ranking=ranking, right=row.right[order])


def folds(rows: list[Row]) -> np.ndarray:
    """A fold for every row; both forms of a question are in the same one."""
    of_question = {question: n % FOLDS for n, question in enumerate(dict.fromkeys(row.question.question for row in rows))}
    return np.asarray([of_question[row.question.question] for row in rows])


def cross_validated(rows: list[Row]) -> list[Row]:
    """Each row ordered by weights that were learned without its question."""
    fold_of = folds(rows)
    out: list[Row] = list(rows)
    for number in range(FOLDS):
        weights = fit_weights([row for row, own in zip(rows, fold_of, strict=True) if own != number])
        for at in np.flatnonzero(fold_of == number):
            out[at] = reordered(rows[at], weights)
    return out


# -- decision ----------------------------------------------------------------------------------


def fit_decision(rows: list[Row]) -> tuple[Model, Model]:
    """The two logistic models over the evidence: in scope, and the first is right (clarify rows are never right)."""
    found = [(row, seen) for row in rows if (seen := evidence(row.ranking))]
    scope = logistic(found, [row.question.behavior is not Decision.ABSTAIN for row, _s in found])
    inside = [(row, seen) for row, seen in found if row.question.behavior is not Decision.ABSTAIN]
    right = [bool(row.right[0]) and row.question.behavior is Decision.ANSWER for row, _s in inside]
    return scope, logistic(inside, right)


def logistic(found: list[tuple[Row, Evidence]], labels: list[bool]) -> Model:
    vectors = np.asarray([seen.vector() for _row, seen in found])
    spread = vectors.std(axis=0) + 1e-6
    model = LogisticRegression(C=1.0, max_iter=5000)
    model.fit(vectors / spread, labels, sample_weight=[row.weight for row, _seen in found])
    return Model([round(float(w), 4) for w in model.coef_[0] / spread], round(float(model.intercept_[0]), 4))


# -- what it gives -----------------------------------------------------------------------------


def report_ranking(rows: list[Row], title: str) -> None:
    print(title)
    for source in dict.fromkeys(row.source for row in rows):
        for name, wanted in (("as typed", False), ("without accents", True)):
            kept = [r for r in rows if r.source == source and r.question.acceptable_codes and is_bare(r) == wanted]
            if not kept:
                continue
            ranks = np.asarray([1 + int(np.argmax(r.right)) if r.right.any() else 99 for r in kept])
            shares = "  ".join(f"@{k} {(ranks <= k).mean():.3f}" for k in (1, 3, 10))
            print(f"  {source:12} {name:16} n={len(kept):5}  {shares}")


def is_bare(row: Row) -> bool:
    return row.ranking.unaccented


def report_decision(rows: list[Row], scope: Model, correct: Model) -> None:
    """Curves over rows that had no part in the fit, for docs/search.md."""
    found = [(row, seen) for row in rows if (seen := evidence(row.ranking))]
    in_scope = np.asarray([scope.probability(seen) for _r, seen in found])
    sure = np.asarray([correct.probability(seen) for _r, seen in found])
    inside = np.asarray([row.question.behavior is not Decision.ABSTAIN for row, _s in found])
    answerable = np.asarray([row.question.behavior is Decision.ANSWER for row, _s in found])
    right = np.asarray([bool(row.right[0]) for row, _s in found])
    print("abstain below | out of scope let through | in scope refused")
    for threshold in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        print(f"{threshold:13.2f} | {(in_scope[~inside] >= threshold).mean():24.3f} | {(in_scope[inside] < threshold).mean():.3f}")
    print(f"{inside.sum()} in scope, {(~inside).sum()} out of scope")
    print("answer from | answered of answerable | right of answered | wrong of in scope | out of scope answered | clarify answered")
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        said = (sure * in_scope) >= threshold
        print(
            f"{threshold:11.2f} | {said[answerable].mean():22.3f} | {right[said & inside].mean():17.3f} | "
            f"{(said & ~right)[inside].mean():17.3f} | {said[~inside].mean():21.3f} | {said[inside & ~answerable].mean():.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="installation with the national catalogue")
    parser.add_argument("--questions", type=Path, nargs="*", default=[], help="more development questions (JSON lines)")
    parser.add_argument("--abstain-below", type=float, default=0.12)
    parser.add_argument("--answer-from", type=float, default=0.6)
    parser.add_argument("--near", type=float, default=0.1)
    args = parser.parse_args()
    settings = Settings(home=args.home)
    encoder = Encoder.load(settings.encoder, runtime=settings.encoder_runtime)
    files = [*sorted(OWN_QUESTIONS.glob("*.jsonl")), *args.questions]
    asked = {file.stem: read_questions(file)[0] for file in files} | {"nlu": out_of_scope()}
    rows = rows_over(settings, encoder, "national", Catalogue.open(settings).current(), asked)
    _name, starter = sources.read(ROOT / "knowledge" / "starter")
    small = (record for record in starter if isinstance(record, Procedure))
    small_rows = rows_over(settings, encoder, "starter", small, asked)

    report_ranking([reordered(row, shipped_weights()) for row in rows], "shipped weights")
    honest = cross_validated(rows)
    report_ranking(honest, f"{FOLDS}-fold cross-validation")
    weights = fit_weights(rows)
    data = {name: round(float(weight), 4) for name, weight in zip(FEATURES, weights, strict=True)}
    (SEARCH / "ranking.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")

    judged = [*honest, *(reordered(row, weights) for row in small_rows)]
    fold_of = folds(judged)
    # The curve is of one fold that the models did not see; the shipped ones learn from all.
    learn = [row for row, own in zip(judged, fold_of, strict=True) if own != 0]
    unseen = [row for row, own in zip(judged, fold_of, strict=True) if own == 0 and row.source != "phrases"]
    report_decision(unseen, *fit_decision(learn))
    scope, correct = fit_decision(judged)
    decision = {
        "in_scope": vars(scope),
        "correct": vars(correct),
        "abstain_below": args.abstain_below,
        "answer_from": args.answer_from,
        "near": args.near,
    }
    (SEARCH / "decision.json").write_text(json.dumps(decision, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
