"""Fit when to answer, to ask back and to abstain (knowledge/search/decision.json).

Development questions only: the tenth of the phrases that the encoder never saw, held out of the index for this
run too, a file of questions with known procedures, and the out-of-scope examples of Rasa's training data, all
with and without accents. Nothing of ``tests/benchmark`` is read.

    python -m tools.search.calibrate --home var --questions ../shared/data/questions/dev-gold.jsonl
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from knowledge import sources
from knowledge.catalogue import Catalogue
from knowledge.fields import strip_fields
from knowledge.phrase_bank import PhraseBank
from knowledge.procedure import Procedure
from knowledge.search.decision import Evidence, evidence
from knowledge.search.encoder import Encoder
from knowledge.search.index import Index, build
from knowledge.search.ranking import Ranker
from knowledge.settings import ROOT, Settings
from knowledge.text import clean, fold, normalize
from tools.encoder.pairs import is_held_out

OUT = ROOT / "knowledge" / "search" / "decision.json"


def held_out(procedures: Iterator[Procedure], questions: list[tuple[str, str]]) -> Iterator[Procedure]:
    """Procedures without the phrases that the encoder was not trained on, which become questions."""
    for procedure in procedures:
        held = [phrase for phrase in procedure.phrases if is_held_out(clean(phrase))]
        procedure.phrases = [phrase for phrase in procedure.phrases if phrase not in held]
        questions += [(phrase, procedure.code) for phrase in held]
        yield procedure


def out_of_scope() -> list[str]:
    """Rasa's training examples of what is not our business."""
    text = (ROOT / "bot" / "data" / "nlu" / "outside.yml").read_text(encoding="utf-8")
    block = text.split("intent: out_of_scope", 1)[1].split("- intent:", 1)[0]
    return [line.strip()[2:].strip() for line in block.splitlines() if re.match(r"\s+- \S", line)]


def look(ranker: Ranker, question: str) -> tuple[Evidence | None, str]:
    message = normalize(question)
    topic = strip_fields(message) or message
    signals = ranker.rank(topic)
    code = ranker.index.cards[int(signals.order[0])].code
    return evidence(signals), code


def evidence_of(
    settings: Settings, encoder: Encoder, folder: Path, procedures: Iterator[Procedure], asked: list[tuple[str, set[str]]]
) -> list[tuple[Evidence, bool, bool]]:
    """Evidence over one catalogue, each with whether it is in scope and whether the first is right."""
    questions: list[tuple[str, str]] = []
    if not folder.exists() and settings.index_dir.exists():
        shutil.copytree(settings.index_dir, folder)  # its vectors are reused
    kept = list(held_out(PhraseBank.of(settings).added_to(procedures), questions))
    build(folder, kept, encoder, f"calibration of {len(kept)}")
    ranker = Ranker(Index.open(folder, encoder), encoder)
    known = {procedure.code for procedure in kept}
    inside = [(q, {code}) for q, code in questions] + [(q, codes) for q, codes in asked if codes & known]
    rows = []
    for question, codes in [*inside, *((message, set()) for message in out_of_scope())]:
        for form in (question, fold(question)):
            found, code = look(ranker, form)
            if found:
                rows.append((found, bool(codes), code in codes))
    return rows


def fit(rows: list[list[float]], labels: list[bool]) -> dict[str, object]:
    model = LogisticRegression(C=1.0, max_iter=2000, class_weight="balanced").fit(np.asarray(rows), labels)
    return {"weights": [round(float(w), 4) for w in model.coef_[0]], "intercept": round(float(model.intercept_[0]), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="installation with the national catalogue")
    parser.add_argument("--questions", type=Path, nargs="*", default=[], help="development questions (JSON lines)")
    parser.add_argument("--abstain-below", type=float, default=0.35)
    parser.add_argument("--answer-from", type=float, default=0.5)
    parser.add_argument("--near", type=float, default=1.2)
    args = parser.parse_args()
    settings = Settings(home=args.home)
    encoder = Encoder.load(settings.encoder, runtime=settings.encoder_runtime)
    asked = [
        (row["question"], set(row["acceptable_codes"]))
        for file in args.questions
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())
    ]
    _name, starter = sources.read(ROOT / "knowledge" / "starter")
    small = [record for record in starter if isinstance(record, Procedure)]
    catalogues = {"national": Catalogue.open(settings).current(), "starter": iter(small)}
    labelled = [
        row
        for name, procedures in catalogues.items()
        for row in evidence_of(settings, encoder, args.home / f"calibration-{name}", procedures, asked)
    ]

    vectors = [found.vector() for found, _scope, _right in labelled]
    inside = [(v, right) for v, (_f, scope, right) in zip(vectors, labelled, strict=True) if scope]
    data = {
        "in_scope": fit(vectors, [scope for _f, scope, _r in labelled]),
        "correct": fit([v for v, _r in inside], [right for _v, right in inside]),
        "abstain_below": args.abstain_below,
        "answer_from": args.answer_from,
        "near": args.near,
    }
    OUT.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    report(labelled)


def report(labelled: list[tuple[Evidence, bool, bool]]) -> None:
    """Curves over the development questions, for docs/search.md."""
    from knowledge.search.decision import Policy

    policy = Policy.shipped()
    scope = np.asarray([policy.in_scope.probability(f) for f, _s, _r in labelled])
    right = np.asarray([policy.correct.probability(f) for f, _s, _r in labelled])
    inside = np.asarray([s for _f, s, _r in labelled])
    correct = np.asarray([r for _f, _s, r in labelled])
    print(f"{inside.sum()} in scope, {(~inside).sum()} out of scope, first is right for {correct[inside].mean():.3f}")
    print("abstain below | out of scope let through | in scope refused")
    for threshold in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        print(f"{threshold:13.2f} | {(scope[~inside] >= threshold).mean():24.3f} | {(scope[inside] < threshold).mean():.3f}")
    print("answer from | answered (in scope) | right among the answered | wrong answers of all")
    for threshold in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        answered = inside & (right >= threshold) & (scope >= policy.abstain_below)
        rate = answered[inside].mean()
        print(f"{threshold:11.2f} | {rate:19.3f} | {correct[answered].mean():24.3f} | {(answered & ~correct)[inside].mean():.3f}")


if __name__ == "__main__":
    main()
