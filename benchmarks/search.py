"""How well and how fast search finds, beside plain methods on the same questions.

The installation's catalogue must hold the national file. The baselines rank its procedures that have
details (4,215 in the file of July 2026) by their national names and papers. motcua ranks all it has,
name-only and starter procedures included; a second row leaves only the baselines' procedures in its
list. A question counts when a right procedure of it is among those; the others are reported as skipped.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks import baselines
from benchmarks.metrics import first_right, percentile, recall_at
from benchmarks.report import Report, Table, parser, say
from knowledge.catalogue import Catalogue, OriginRecord
from knowledge.evaluation import Question, read_questions
from knowledge.procedure import Procedure
from knowledge.search.decision import Decision
from knowledge.search.encoder import Encoder
from knowledge.search.engine import SearchEngine, is_current
from knowledge.search.index import IndexMissingError
from knowledge.settings import ROOT, Settings
from knowledge.text import fold

QUESTIONS = [
    *sorted((ROOT / "tests" / "benchmark").glob("*.jsonl")),
    ROOT.parent / "shared/data/questions/dev-gold.jsonl",
]
CUTS = (1, 3, 10)
WARM_UP = 20

Search = Callable[[str], list[str]]
"""A question in, codes of procedures out, best first."""


@dataclass(frozen=True)
class QuestionSet:
    name: str
    questions: list[Question]


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--home", type=Path, required=True, help="an installation with the national file, indexed")
    made.add_argument("--questions", type=Path, nargs="+", metavar="FILE", help="questions files; default: all at hand")
    made.add_argument(
        "--raw-encoder", type=Path, nargs="+", default=[], metavar="DIR", help="more models for the encoder baseline"
    )
    made.add_argument("--timed", type=int, default=600, metavar="N", help="queries to time (default 600)")
    made.add_argument("--limit", type=int, metavar="N", help="only the first N questions of each file: a try-out")
    return made.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    settings = Settings(home=options.home)
    try:
        engine = SearchEngine.open(settings)
    except IndexMissingError as error:
        raise SystemExit(str(error)) from None
    detailed = detailed_procedures(settings)
    sets = [QuestionSet(path.stem, _read(path, options.limit)) for path in options.questions or _existing(QUESTIONS)]
    name_only = sum(not card.has_details for card in engine.index.cards)
    notes = [
        f"index: {len(engine.index.cards)} procedures, {name_only} of them by name only",
        f"baselines: {len(detailed)} national procedures with details; queries run one at a time, in one thread",
        "folded: the same questions with all accents taken off",
    ]
    if not is_current(settings):
        notes.append("the index is behind the catalogue or the phrases: run `motcua index` and measure again")
    tables = [latency(engine, sets, options.timed)]
    searches = motcua(engine, {d.code for d in detailed}) | baseline_searches(detailed, settings, options.raw_encoder)
    tables += quality(searches, sets, {d.code for d in detailed})
    Report("search", tables, notes).publish(options.json)


def detailed_procedures(settings: Settings) -> list[baselines.Document]:
    """What the national file says of the procedures that it has details of, by code."""
    query = select(OriginRecord.data).where(OriginRecord.origin == "national").order_by(OriginRecord.code)
    with Session(Catalogue.open(settings).engine) as session:
        procedures = (Procedure.model_validate_json(data) for data in session.scalars(query))
        found = [baselines.document(procedure) for procedure in procedures if procedure.has_details]
    if not found:
        raise SystemExit(f"the catalogue in {settings.home} does not hold the national file: `motcua import` it first")
    return found


def motcua(engine: SearchEngine, pool: set[str]) -> dict[str, Search]:
    """motcua as it is, and with only the procedures of ``pool`` left in its list."""

    def everything(text: str) -> list[str]:
        return [hit.code for hit in engine.search(text, k=max(CUTS)).results]

    def same(text: str) -> list[str]:
        return [hit.code for hit in engine.search(text, k=baselines.DEPTH).results if hit.code in pool]

    return {"motcua": everything, "motcua, same procedures": same}


def baseline_searches(
    documents: list[baselines.Document], settings: Settings, more_encoders: Iterable[Path]
) -> dict[str, Search]:
    """(a) BM25 over names, (b) encoders over names, (c) BM25 over names and papers, (d) the three fused."""
    names = [d.name for d in documents]
    lexical = baselines.bm25(names)
    with_papers = baselines.bm25([" . ".join([d.name, *d.papers]) for d in documents])
    methods = {"BM25 names": lexical, "BM25 names + papers": with_papers}
    for folder in [Path(settings.encoder), *more_encoders]:
        say(f"embedding {len(names)} names with {folder} …")
        dense = baselines.cosine(names, _encoder(folder), settings.home / "benchmarks")
        methods[f"encoder {folder.name}"] = dense
        methods[f"fused (RRF) with {folder.name}"] = baselines.fused(lexical, dense, with_papers)
    return {name: _codes(method, documents) for name, method in methods.items()}


def _codes(method: baselines.Method, documents: list[baselines.Document]) -> Search:
    return lambda text: [documents[position].code for position in method(text)]


def _encoder(folder: Path) -> Encoder:
    has_onnx = any(folder.glob("onnx/*.onnx"))
    return Encoder.load(str(folder), runtime="onnxruntime" if has_onnx else "sentence-transformers")


def latency(engine: SearchEngine, sets: list[QuestionSet], count: int) -> Table:
    """Milliseconds of a query after a warm-up, over questions of all files; no text is asked twice."""
    texts = list(dict.fromkeys(q.question for s in sets for q in s.questions))
    for text in texts[:WARM_UP]:
        engine.search(text)
    texts = texts[WARM_UP:] or texts
    texts = texts[:: max(1, len(texts) // count)][:count]
    times = []
    for text in texts:
        started = time.perf_counter()
        engine.search(text)
        times.append((time.perf_counter() - started) * 1000)
    row = [len(times), percentile(times, 50), percentile(times, 95), max(times)]
    return Table("a query through SearchEngine.search", ["queries", "p50 ms", "p95 ms", "max ms"], [row])


def quality(searches: dict[str, Search], sets: list[QuestionSet], pool: set[str]) -> list[Table]:
    """A table for each questions file."""
    columns = ["method", *(f"R@{k}" for k in CUTS), *(f"folded R@{k}" for k in CUTS)]
    tables = []
    for chosen in sets:
        counted = [q for q in chosen.questions if q.behavior is not Decision.ABSTAIN and pool & set(q.acceptable_codes)]
        if not counted:
            continue
        rows = []
        for name, search in searches.items():
            say(f"{chosen.name}: {name} …")
            rows.append([name, *_recalls(search, counted, str), *_recalls(search, counted, fold)])
        title = f"{chosen.name}: {len(counted)} questions, {len(chosen.questions) - len(counted)} skipped"
        tables.append(Table(title, columns, rows))
    return tables


def _recalls(search: Search, questions: list[Question], typed: Callable[[str], str]) -> list[float]:
    ranks = [first_right(search(typed(q.question)), q.acceptable_codes) for q in questions]
    return [recall_at(k, ranks) for k in CUTS]


def _existing(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.exists()]


def _read(path: Path, limit: int | None) -> list[Question]:
    return read_questions(path)[0][:limit]


if __name__ == "__main__":
    main()
