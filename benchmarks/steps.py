"""What each step of the search contributes: steps added one after the other, then taken away one at a time.

All over one installation's index, on the same questions, as typed and with all accents taken off ("folded"). The
first rows add a step each: vectors of the official names, vectors of everything people say, the words (BM25), the
learned ranking. The others are the whole search without one of its parts. How other models do with names alone is in
`benchmarks.search` (`--raw-encoder`).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.metrics import first_right, recall_at
from benchmarks.report import Report, Table, parser, say
from knowledge.catalogue import Catalogue
from knowledge.evaluation import Question, read_questions
from knowledge.fields import strip_fields
from knowledge.search.accents import AccentRestorer
from knowledge.search.decision import Decision
from knowledge.search.encoder import Encoder
from knowledge.search.features import FEATURES
from knowledge.search.index import Index, IndexMissingError, build
from knowledge.search.ranking import Ranker, shipped_weights
from knowledge.settings import ROOT, Settings
from knowledge.text import clean, fold, normalize

CUTS = (1, 3)
Rank = Callable[[str], Sequence[int]]
"""A question in, positions of procedures out, best first."""


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--home", type=Path, required=True, help="an installation with the national file, indexed")
    made.add_argument("--questions", type=Path, nargs="+", metavar="FILE", help="default: the project's benchmark")
    made.add_argument("--limit", type=int, metavar="N", help="only the first N questions of each file: a try-out")
    return made.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    settings = Settings(home=options.home)
    encoder = Encoder.load(settings.encoder, runtime=settings.encoder_runtime)
    try:
        index = Index.open(settings.index_dir, encoder)
    except IndexMissingError as error:
        raise SystemExit(str(error)) from None
    files = options.questions or sorted((ROOT / "tests" / "benchmark").glob("*.jsonl"))
    known = {card.code for card in index.cards}
    questions = [
        question
        for file in files
        for question in read_questions(file)[0][: options.limit]
        if question.behavior is not Decision.ABSTAIN and known & set(question.acceptable_codes)
    ]
    codes = [card.code for card in index.cards]
    rows = []
    for name, rank in steps(index, encoder):
        say(f"{name} …")
        rows.append([name, *_recalls(rank, codes, questions)])
    with without_phrases(settings, encoder) as bare:
        say("the whole, without phrases …")
        rank = _whole(Ranker(bare, encoder))
        rows.append(["the whole, without phrases", *_recalls(rank, [card.code for card in bare.cards], questions)])
    columns = ["step", *(f"R@{k}" for k in CUTS), *(f"folded R@{k}" for k in CUTS)]
    Report("steps", [Table(f"{len(questions)} questions", columns, rows)]).publish(options.json)


def steps(index: Index, encoder: Encoder) -> Iterator[tuple[str, Rank]]:
    ranker = Ranker(index, encoder)
    yield "vectors of names", _by_names(index, encoder)
    yield "+ vectors of phrases and results", _by_vectors(ranker, encoder)
    yield "+ accents restored", _by_vectors(ranker, encoder, restored=True)
    yield "+ words (BM25) and twins: the quick score", _quick(ranker)
    yield "+ learned ranking: the whole", _whole(ranker)
    unasked = shipped_weights().copy()
    unasked[FEATURES.index("asked")] = 0.0
    yield "the whole, without how often it is asked", _whole(Ranker(index, encoder, unasked))
    yield "the whole, without understanding the text", lambda text: ranker.rank(clean(text)).order
    with _no_restoration(index.accents):
        yield "the whole, without restoring accents", _whole(ranker)


def _topic(text: str) -> str:
    message = normalize(text)
    return strip_fields(message) or message


def _by_names(index: Index, encoder: Encoder) -> Rank:
    first = np.searchsorted(index.owners, np.arange(len(index.cards)))
    names = index.vectors.reconstruct_n(0, index.vectors.ntotal)[first]
    return lambda text: np.argsort(-(names @ encoder.encode_queries([_topic(text)])[0]))[:10]


def _by_vectors(ranker: Ranker, encoder: Encoder, *, restored: bool = False) -> Rank:
    accents = ranker.index.accents

    def rank(text: str) -> Sequence[int]:
        topic = _topic(text)
        topic = accents.restore(topic) if restored and accents.needs_accents(topic) else topic
        return np.argsort(-ranker.nearest(encoder.encode_queries([topic])[0]))[:10]

    return rank


def _quick(ranker: Ranker) -> Rank:
    return lambda text: np.argsort(-ranker.quick(_topic(text)).score)[:10]


def _whole(ranker: Ranker) -> Rank:
    return lambda text: ranker.rank(_topic(text)).order


@contextmanager
def _no_restoration(accents: AccentRestorer) -> Iterator[None]:
    accents.restore = lambda text: text  # type: ignore[method-assign]
    yield
    del accents.restore


@contextmanager
def without_phrases(settings: Settings, encoder: Encoder) -> Iterator[Index]:
    """The same catalogue indexed by names and results alone; vectors are reused."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "index"
        shutil.copytree(settings.index_dir, folder)
        procedures = list(Catalogue.open(settings).current())
        for procedure in procedures:
            procedure.phrases = []
        build(folder, procedures, encoder, "without phrases")
        yield Index.open(folder, encoder)


def _recalls(rank: Rank, codes: list[str], questions: list[Question]) -> list[float]:
    shares = []
    for typed in (str, fold):
        found = [[codes[int(p)] for p in rank(typed(q.question))[:10]] for q in questions]
        ranks = [first_right(names, q.acceptable_codes) for names, q in zip(found, questions, strict=True)]
        shares += [recall_at(k, ranks) for k in CUTS]
    return shares


if __name__ == "__main__":
    main()
