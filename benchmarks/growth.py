"""How search grows with the catalogue: milliseconds, file sizes and memory at 1, 10 and 100 times its texts.

Nothing is embedded again: a grown index holds copies of the installation's vectors with a little
noise, and copies of its BM25 postings, so every word is found proportionally more often. The
vocabulary does not grow; a real catalogue of that size would bring new rare words.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from benchmarks.metrics import percentile
from benchmarks.processes import memory
from benchmarks.report import Report, Table, parser, say
from knowledge.evaluation import read_questions
from knowledge.search.encoder import Encoder
from knowledge.search.index import Card, Index, IndexMissingError
from knowledge.search.ranking import Ranker
from knowledge.settings import ROOT, Settings

QUESTIONS = ROOT / "tests" / "benchmark" / "citizens-a.jsonl"
NOISE = 0.05
"""Length of the noise added to a unit vector: its cosine to the original is about .999."""
PARTS = ("encode the query", "FAISS", "BM25 names", "BM25 bodies", "ranking, all of it")


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--home", type=Path, required=True, help="an installation whose index is to grow; left as it is")
    made.add_argument("--queries", type=int, default=200, metavar="N", help="queries at each size (default 200)")
    made.add_argument("--hundred", action="store_true", help="also 100 times: takes about 8 GiB of memory, 6 of disk")
    made.add_argument("--scratch", type=Path, help="folder for the grown indexes, removed at the end")
    return made.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    settings = Settings(home=options.home)
    try:
        Index.open(settings.index_dir, _encoder(settings))
    except IndexMissingError as error:
        raise SystemExit(str(error)) from None
    speeds, sizes = [], []
    with tempfile.TemporaryDirectory(prefix="motcua-growth-", dir=options.scratch) as scratch:
        for times in (1, 10, 100) if options.hundred else (1, 10):
            folder = Path(scratch) / f"index-{times}"
            say(f"{times} times: growing …")
            _in_fresh_process(grow, settings, folder, times)
            say(f"{times} times: measuring …")
            found = _in_fresh_process(measure, settings, folder, options.queries)
            head = [f"{times}×", found["procedures"], found["texts"]]
            speeds.append([*head, *(cell for part in PARTS for cell in found["ms"][part])])
            sizes.append([*head, *folder_sizes(folder).values(), found["open_s"], *found["memory"]])
            shutil.rmtree(folder)
    head = ["size", "procedures", "texts"]
    speed = Table("query, ms", [*head, *(f"{part} {p}" for part in PARTS for p in ("p50", "p95"))], speeds)
    columns = [*head, "FAISS MiB", "BM25 MiB", "other files MiB", "seconds to open", "RSS MiB", "own", "mapped files"]
    notes = [
        "'ranking, all of it' holds the parts before it, and what motcua does with every procedure",
        "memory of a process that only searches, after the queries; mapped files are given back when memory is short",
    ]
    Report("growth", [speed, Table("files and memory", columns, sizes)], notes).publish(options.json)


def grow(settings: Settings, folder: Path, times: int) -> None:
    """Write an index with ``times`` copies of the installation's into ``folder``."""
    source = Index.open(settings.index_dir, _encoder(settings))
    folder.mkdir(parents=True)
    faiss.write_index(grown_vectors(source.vectors, times), str(folder / "vectors.faiss"))
    owners = [source.owners + copy * len(source.cards) for copy in range(times)]
    np.save(folder / "owners.npy", np.concatenate(owners).astype(np.int32))
    for name in ("names", "bodies"):
        grow_postings(settings.index_dir / name, folder / name, times)
    cards = [asdict(_copied(card, copy)) for copy in range(times) for card in source.cards]
    (folder / "cards.json").write_text(json.dumps(cards, ensure_ascii=False), encoding="utf-8")
    for name in ("accents.json", "outside.npy"):
        shutil.copy(settings.index_dir / name, folder)
    meta = source.meta | {"texts": len(source.owners) * times}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


def _copied(card: Card, copy: int) -> Card:
    return replace(card, code=f"{card.code}.X{copy}") if copy else card


def grown_vectors(source: faiss.Index, times: int) -> faiss.Index:
    """The vectors, then noisy copies of them, all of length 1."""
    vectors = source.reconstruct_n(0, source.ntotal)
    random = np.random.default_rng(0)
    grown = faiss.IndexFlatIP(source.d)
    grown.add(vectors)
    for _ in range(times - 1):
        noise = random.standard_normal(vectors.shape, dtype=np.float32) * (NOISE / np.sqrt(source.d))
        copy = vectors + noise
        grown.add(copy / np.linalg.norm(copy, axis=1, keepdims=True))
    return grown


def grow_postings(source: Path, target: Path, times: int) -> None:
    """Copy a saved BM25 index with every text repeated ``times`` times.

    The share of texts with a word stays what it was, and so do idf and scores.
    """
    shutil.copytree(source, target)
    parameters = target / "params.index.json"
    stored = json.loads(parameters.read_text())
    arrays = {name: np.load(source / f"{name}.csc.index.npy") for name in ("data", "indices", "indptr")}
    data, indices, indptr = repeat_columns(**arrays, rows=stored["num_docs"], times=times)
    for name, values in (("data", data), ("indices", indices), ("indptr", indptr)):
        np.save(target / f"{name}.csc.index.npy", values.astype(arrays[name].dtype))
    parameters.write_text(json.dumps(stored | {"num_docs": stored["num_docs"] * times}))


def repeat_columns(
    data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, rows: int, times: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A sparse matrix (CSC) of ``rows`` rows stacked upon itself: the entries of a column, once for each copy."""
    lengths = np.diff(indptr.astype(np.int64))
    starts = np.concatenate([[0], np.cumsum(lengths * times)])
    grown_data = np.empty(starts[-1], dtype=data.dtype)
    grown_indices = np.empty(starts[-1], dtype=indices.dtype)
    offset = np.arange(len(data)) - np.repeat(indptr[:-1].astype(np.int64), lengths)  # place within its column
    for copy in range(times):
        places = np.repeat(starts[:-1] + lengths * copy, lengths) + offset
        grown_data[places] = data
        grown_indices[places] = indices + copy * rows
    return grown_data, grown_indices, starts


def measure(settings: Settings, folder: Path, queries: int) -> dict[str, Any]:
    """Open the index as the app does, time each part of a query, and read this process's memory."""
    encoder = _encoder(settings)
    started = time.perf_counter()
    index = Index.open(folder, encoder)
    ranker = Ranker(index, encoder)
    open_s = time.perf_counter() - started
    nearest = min(index.vectors.ntotal, 2000)  # as the ranker asks for
    texts = [q.question for q in read_questions(QUESTIONS)[0]]
    times: dict[str, list[float]] = {part: [] for part in PARTS}
    for number in range(-10, queries):  # ten to warm up
        text = texts[number % len(texts)]
        query = encoder.encode_queries([text])
        calls: list[Callable[[], object]] = [
            lambda t=text: encoder.encode_queries([t]),
            lambda q=query: index.vectors.search(q, nearest),
            lambda t=text: index.names.scores(t),
            lambda t=text: index.bodies.scores(t),
            lambda t=text: ranker.rank(t),
        ]
        for part, call in zip(PARTS, calls, strict=True):
            before = time.perf_counter()
            call()
            if number >= 0:
                times[part].append((time.perf_counter() - before) * 1000)
    used = memory()
    return {
        "procedures": len(index.cards),
        "texts": index.vectors.ntotal,
        "open_s": open_s,
        "ms": {part: [percentile(values, 50), percentile(values, 95)] for part, values in times.items()},
        "memory": [used.resident, used.own, used.file],
    }


def folder_sizes(folder: Path) -> dict[str, float]:
    """MiB of the vectors, the BM25 indexes and all other files."""
    sizes = {path: path.stat().st_size / 1024**2 for path in folder.rglob("*") if path.is_file()}
    vectors = sizes[folder / "vectors.faiss"]
    lexical = sum(size for path, size in sizes.items() if path.parent != folder)
    return {"vectors": vectors, "bm25": lexical, "other": sum(sizes.values()) - vectors - lexical}


def _encoder(settings: Settings) -> Encoder:
    return Encoder.load(settings.encoder, threads=1, runtime=settings.encoder_runtime)


def _in_fresh_process(function: Callable[..., Any], *arguments: object) -> Any:
    """Call in a process of its own, so that memory is that of this call."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


if __name__ == "__main__":
    main()
