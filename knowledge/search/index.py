"""The saved search index: vectors in FAISS, BM25 beside them, one folder, memory-mapped.

A procedure has several texts (name, plain name, phrases people use, results), each with its own
vector; a text already embedded by the same model is not embedded again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import yaml

from knowledge.procedure import Handling, Procedure
from knowledge.search.accents import AccentRestorer
from knowledge.search.encoder import Encoder
from knowledge.search.lexical import LexicalIndex
from knowledge.text import clean, normalize

FORMAT = 2
"""Raised whenever the files of an index change their meaning; older indexes are rebuilt."""


_ASKED = Path(__file__).with_name("asked.yml")
_OUTSIDE = Path(__file__).with_name("outside.yml")


class IndexMissingError(RuntimeError):
    """There is no usable index; the message says what to do."""


@dataclass(frozen=True)
class Card:
    """What search needs to know of a procedure without opening the catalogue."""

    code: str
    name: str
    title: str
    field: str
    levels: list[str]
    province: str
    promulgator: str
    has_details: bool
    asked: int  # how often people ask for it: 0 to 3


@lru_cache(maxsize=1)
def asked_often() -> dict[str, int]:
    """How often a procedure is asked for at a counter: 3 every day, 2 every week, 1 now and then (``asked.yml``)."""
    return {str(code): int(often) for code, often in _yaml(_ASKED).items()}


@lru_cache(maxsize=1)
def outside_messages() -> list[str]:
    """Messages that are about no procedure (``outside.yml``): what is nearer to them than to a procedure is out of scope."""
    return [clean(str(message)) for messages in _yaml(_OUTSIDE).values() for message in messages]


def shipped_fingerprint() -> str:
    """Changes with the shipped files that an index is built from."""
    return hashlib.sha256(_ASKED.read_bytes() + _OUTSIDE.read_bytes()).hexdigest()[:16]


def _yaml(path: Path) -> dict[str, Any]:
    return dict(yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def card(procedure: Procedure) -> Card:
    return Card(
        code=procedure.code,
        name=procedure.name,
        title=procedure.title,
        field=procedure.field or "",
        levels=[str(level) for level in procedure.levels],
        province=procedure.province or "",
        promulgator=procedure.promulgator or "",
        has_details=procedure.has_details,
        asked=asked_often().get(procedure.code, 0),
    )


def without_prefix(name: str) -> str:
    """The official name without the word that every name may begin with."""
    for prefix in ("thủ tục hành chính ", "thủ tục: ", "thủ tục "):
        if name.lower().startswith(prefix):
            return name[len(prefix) :].strip()
    return name


def texts_of(procedure: Procedure) -> list[str]:
    """The texts that get a vector each."""
    name = without_prefix(procedure.name)
    # Phrases go through the same writing-out of abbreviations as the questions that they are compared with.
    texts = [name, procedure.plain_name or "", *map(normalize, procedure.phrases), *procedure.keywords]
    texts += [f"xin {result}" for result in procedure.results if len(result) < 120]
    return list(dict.fromkeys(clean(text)[:400] for text in texts if text and text.strip()))


def body_of(procedure: Procedure) -> str:
    """One long text for BM25: what the procedure's papers, conditions and results mention."""
    papers = [document.name for document in procedure.documents if document.handling is not Handling.NOTE]
    parts = [procedure.name, procedure.field or "", *papers[:40], *procedure.results, *procedure.conditions[:10]]
    parts += [*procedure.subjects, *procedure.cases[:20], *procedure.phrases]
    return clean(" . ".join(parts)[:8000])


def _hash(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:20]


@dataclass
class Index:
    """An opened index."""

    cards: list[Card]
    owners: np.ndarray  # for each text, the position of its procedure in ``cards``
    vectors: faiss.Index
    outside: np.ndarray  # vectors of messages that are about no procedure
    names: LexicalIndex
    bodies: LexicalIndex
    accents: AccentRestorer
    meta: dict[str, Any]

    @classmethod
    def open(cls, folder: Path, encoder: Encoder) -> Index:
        """Open the index in ``folder``.

        Raises:
            IndexMissingError: there is none, or another model or version built it.
        """
        meta = describe(folder)
        if not meta:
            raise IndexMissingError(f"no search index in {folder}: run `motcua index`")
        if meta.get("format") != FORMAT or meta.get("encoder") != encoder.fingerprint:
            raise IndexMissingError(f"the search index in {folder} was built by another model or version: run `motcua index`")
        cards = [Card(**row) for row in json.loads((folder / "cards.json").read_text(encoding="utf-8"))]
        return cls(
            cards=cards,
            owners=np.load(folder / "owners.npy", mmap_mode="r"),
            vectors=faiss.read_index(str(folder / "vectors.faiss"), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY),
            outside=np.load(folder / "outside.npy"),
            names=LexicalIndex.load(folder / "names", meta["texts"]),
            bodies=LexicalIndex.load(folder / "bodies", len(cards)),
            accents=AccentRestorer.load(folder / "accents.json"),
            meta=meta,
        )


@dataclass(frozen=True)
class BuildReport:
    procedures: int
    texts: int
    embedded: int
    reused: int


def build(
    folder: Path,
    procedures: Iterable[Procedure],
    encoder: Encoder,
    catalogue_fingerprint: str,
    progress: Callable[[int, int], None] | None = None,
) -> BuildReport:
    """Build the index into ``folder``, embedding only texts that it has no vector of yet.

    The new index replaces the old one at the end, so that a build that is cut short leaves the old
    one in place.
    """
    present = describe(folder)
    if present | {"encoder": encoder.fingerprint, "catalogue": catalogue_fingerprint, "format": FORMAT} == present:
        return BuildReport(present["procedures"], present["texts"], embedded=0, reused=present["texts"])
    known = _known_vectors(folder, encoder)
    cards: list[Card] = []
    texts: list[str] = []
    owners: list[int] = []
    bodies: list[str] = []
    words: list[str] = []
    for procedure in procedures:
        own = texts_of(procedure)
        owners += [len(cards)] * len(own)
        texts += own
        cards.append(card(procedure))
        bodies.append(body_of(procedure))
        words += [bodies[-1], *procedure.steps[:10]]
    searched, outside = len(texts), outside_messages()
    hashes = [_hash(text) for text in [*texts, *outside]]
    fresh = list(dict.fromkeys(t for t, key in zip([*texts, *outside], hashes, strict=True) if key not in known))
    if fresh:
        fresh_vectors = encoder.encode_passages(fresh, progress=progress)
        known |= {_hash(text): vector for text, vector in zip(fresh, fresh_vectors, strict=True)}
    all_vectors = np.stack([known[key] for key in hashes]).astype(np.float32)
    vectors = faiss.IndexFlatIP(encoder.dimension)
    if texts:
        vectors.add(all_vectors[:searched])

    draft = folder.with_name(folder.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    faiss.write_index(vectors, str(draft / "vectors.faiss"))
    np.save(draft / "owners.npy", np.asarray(owners, dtype=np.int32))
    np.save(draft / "outside.npy", all_vectors[searched:])
    LexicalIndex.build(texts).save(draft / "names")
    LexicalIndex.build(bodies).save(draft / "bodies")
    AccentRestorer.learn([*texts, *words]).save(draft / "accents.json")
    _write_json(draft / "cards.json", [asdict(c) for c in cards])
    _write_json(draft / "hashes.json", hashes)
    meta = {"format": FORMAT, "encoder": encoder.fingerprint, "catalogue": catalogue_fingerprint}
    _write_json(draft / "meta.json", meta | {"texts": len(texts), "procedures": len(cards)})
    _swap(draft, folder)
    embedded = len(set(fresh) & set(texts))
    return BuildReport(len(cards), searched, embedded, searched - embedded)


def describe(folder: Path) -> dict[str, Any]:
    """What an index says of itself; empty where there is none."""
    try:
        return dict(json.loads((folder / "meta.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _known_vectors(folder: Path, encoder: Encoder) -> dict[str, np.ndarray]:
    """Vectors of the present index by the hash of their text; empty where it is of another model."""
    meta = describe(folder)
    if meta.get("format") != FORMAT or meta.get("encoder") != encoder.fingerprint:
        return {}
    try:
        hashes = json.loads((folder / "hashes.json").read_text(encoding="utf-8"))
        vectors = faiss.read_index(str(folder / "vectors.faiss"))
        rows = np.concatenate([vectors.reconstruct_n(0, vectors.ntotal), np.load(folder / "outside.npy")])
        return dict(zip(hashes, rows, strict=True))
    except (OSError, ValueError, RuntimeError):
        return {}  # a damaged index is built anew


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def _swap(draft: Path, folder: Path) -> None:
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    draft.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
