"""Tunes the encoder on what people say, and ships it when it got better.

    python -m tools.encoder.train --catalogue national.jsonl.gz --gate questions.jsonl

Reads the fp32 base (``build_base.py``), learns to put each phrase next to the name of its procedure
and away from the names of its near twins (those that the shipped model confuses), compares it with the
shipped model on phrases that neither saw and on the question files given with ``--gate``, and writes the
tuned fp32 folder. Only when nothing got worse is the int8 ONNX version written over the shipped model
(``--no-ship`` leaves it alone).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from knowledge.search.encoder import Encoder
from knowledge.text import fold, normalize
from tools.encoder.build_base import BASE, MAX_TOKENS, ROOT
from tools.encoder.export_onnx import SHIPPED, export
from tools.encoder.pairs import Entry, Pair, as_typed, group_of, phrase_pairs, read_entries, training_pairs

TUNED = ROOT / "var/encoder/tuned"
PHRASES = [*sorted(ROOT.glob("knowledge/starter/*.yml")), *sorted(ROOT.glob("knowledge/phrases/*.yml"))]
TRAINING_TOKENS = 40
NEIGHBOURS = 12
"""Names nearest to a phrase from which its hard negatives are drawn."""
TOLERANCE = 0.01
"""How much a question file's recall may fall before the tuned model is refused."""


@dataclass(frozen=True)
class Options:
    """``scale`` is the inverse temperature of the cosine; ``negatives`` counts hard ones for each pair.

    ``bf16`` computes in bfloat16 (weights stay fp32): nearly twice as fast on a GPU or a processor with
    AVX512-BF16 or AMX, and slower on any other.
    """

    epochs: float = 1.3
    batch: int = 32
    rate: float = 4e-5
    scale: float = 50.0
    negatives: int = 1
    seed: int = 7
    bf16: bool = False


@dataclass(frozen=True)
class Names:
    """Everything that can be found: official and plain names, and the group that each belongs to."""

    texts: list[str]
    groups: list[str]


def names_of(entries: dict[str, Entry]) -> Names:
    rows = [(name, group_of(entry)) for entry in entries.values() for name in entry.names]
    texts, groups = zip(*dict.fromkeys(rows), strict=True)
    return Names(list(texts), list(groups))


Embed = Callable[[list[str], str], torch.Tensor]
"""Unit vectors (n, dimension) of texts, as ``"query"`` or ``"passage"``."""


def of_model(model: SentenceTransformer) -> Embed:
    batch = 256 if model.device.type == "cuda" else 8

    def embed(texts: list[str], prompt: str) -> torch.Tensor:
        return model.encode(texts, prompt_name=prompt, batch_size=batch, convert_to_tensor=True)

    return embed


def of_shipped(threads: int) -> Embed:
    """The model that ships: the one to beat, quick enough to mine with, and it knows which twins it confuses."""
    encoder = Encoder.load(str(SHIPPED), threads, "onnxruntime")

    def embed(texts: list[str], prompt: str) -> torch.Tensor:
        encode = encoder.encode_queries if prompt == "query" else encoder.encode_passages
        return torch.from_numpy(encode(texts))

    return embed


def mine(embed: Embed, entries: dict[str, Entry], names: Names, vectors: torch.Tensor) -> dict[str, list[str]]:
    """The nearest names of other procedures, for each phrase (as a query) and for each name (by its own vector)."""
    pairs = phrase_pairs(entries, held_out=False)
    own = {pair.query: pair.group for pair in pairs} | dict(zip(names.texts, names.groups, strict=True))
    found = {}
    for start in tqdm(range(0, len(own), 512), desc="mining near twins"):
        texts = list(own)[start : start + 512]
        place = {text: i for i, text in enumerate(names.texts)}
        phrases = [text for text in texts if text not in place]
        asked = dict(zip(phrases, embed(phrases, "query"), strict=True)) if phrases else {}
        rows = torch.stack([asked[text] if text in asked else vectors[place[text]] for text in texts])
        nearest = (rows @ vectors.T).topk(min(NEIGHBOURS + 8, len(names.texts))).indices.tolist()
        for text, row in zip(texts, nearest, strict=True):
            found[text] = [names.texts[i] for i in row if names.groups[i] != own[text]][:NEIGHBOURS]
    return found


@dataclass(frozen=True)
class Batch:
    """Queries, the passages of the whole batch, and for each query the place of its own; groups of both."""

    queries: list[str]
    passages: list[str]
    targets: list[int]
    query_groups: list[str]
    passage_groups: list[str]


def batches(
    pairs: list[Pair], twins: dict[str, list[str]], names: Names, options: Options, rng: random.Random
) -> Iterator[Batch]:
    """Shuffled batches of texts of like length, typed anew each time."""
    group_of_name = dict(zip(names.texts, names.groups, strict=True))
    typed = [(as_typed(pair.query, rng), pair) for pair in pairs]
    rng.shuffle(typed)
    window = options.batch * 20
    parts = []
    for start in range(0, len(typed), window):
        near = sorted(typed[start : start + window], key=lambda row: len(row[0]) + len(row[1].passage))
        parts += [near[i : i + options.batch] for i in range(0, len(near), options.batch)]
    rng.shuffle(parts)
    for part in parts:
        passages = {pair.passage: pair.group for _, pair in part}
        for _, pair in part:
            choice = twins.get(pair.query) or twins.get(pair.passage, [])
            for twin in rng.sample(choice, min(options.negatives, len(choice))):
                passages.setdefault(twin, group_of_name[twin])
        place = {text: i for i, text in enumerate(passages)}
        yield Batch(
            [query for query, _ in part],
            list(passages),
            [place[pair.passage] for _, pair in part],
            [pair.group for _, pair in part],
            list(passages.values()),
        )


def forward(model: SentenceTransformer, texts: list[str], prompt: str) -> torch.Tensor:
    """Unit vectors with gradients."""
    features = model.preprocess(texts, prompt=model.prompts[prompt])
    features = {name: v.to(model.device) if isinstance(v, torch.Tensor) else v for name, v in features.items()}
    return model(features)["sentence_embedding"]


def loss_of(model: SentenceTransformer, batch: Batch, scale: float) -> torch.Tensor:
    """Multiple-negatives ranking loss; other passages of the query's own procedure are not held against it."""
    queries, passages = forward(model, batch.queries, "query"), forward(model, batch.passages, "passage")
    with torch.autocast(model.device.type, enabled=False):
        scores = queries.float() @ passages.float().T * scale
    same = np.array(batch.query_groups, dtype=object)[:, None] == np.array(batch.passage_groups, dtype=object)[None, :]
    same[np.arange(len(batch.targets)), batch.targets] = False
    scores = scores.masked_fill(torch.from_numpy(same.astype(bool)).to(scores.device), float("-inf"))
    return cross_entropy(scores, torch.tensor(batch.targets, device=scores.device))


def tune(
    model: SentenceTransformer, entries: dict[str, Entry], names: Names, twins: dict[str, list[str]], options: Options
) -> None:
    """Train ``model`` in place; ``twins``: hard negatives to draw from, by phrase or name."""
    rng = random.Random(options.seed)
    torch.manual_seed(options.seed)
    pairs = training_pairs(entries, rng)
    steps = int(options.epochs * (len(pairs) + options.batch - 1) // options.batch)
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.0)
    warm_up = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm_up, max(0.0, (steps - step) / max(1, steps - warm_up)))
    )
    model.train()
    model.max_seq_length = TRAINING_TOKENS
    progress, done = tqdm(total=steps, desc=f"training on {len(pairs)} pairs"), 0
    while done < steps:
        for batch in batches(pairs, twins, names, options, rng):
            with torch.autocast(model.device.type, torch.bfloat16, enabled=options.bf16):
                loss = loss_of(model, batch, options.scale)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            schedule.step()
            progress.set_postfix(loss=f"{loss.item():.3f}")
            progress.update()
            done += 1
            if done == steps:
                break
        pairs = training_pairs(entries, rng)
    model.max_seq_length = MAX_TOKENS
    model.eval()


@dataclass(frozen=True)
class Questions:
    """Questions to measure with; ``groups`` are the acceptable ones of each."""

    name: str
    texts: list[str]
    groups: list[set[str]]


def held_out_questions(entries: dict[str, Entry]) -> list[Questions]:
    """Phrases kept out of training: as written, and without accents."""
    pairs = phrase_pairs(entries, held_out=True)
    groups = [{pair.group} for pair in pairs]
    return [
        Questions("held-out phrases", [normalize(pair.query) for pair in pairs], groups),
        Questions("held-out, no accents", [normalize(fold(pair.query)) for pair in pairs], groups),
    ]


def read_questions(path: Path, entries: dict[str, Entry]) -> Questions:
    """The rows of a question file whose acceptable procedures are known here."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    found = [
        (row["question"], {group_of(entries[c]) for c in row.get("acceptable_codes", []) if c in entries})
        for row in rows
    ]
    found = [(normalize(text), groups) for text, groups in found if groups]
    return Questions(path.name, [text for text, _ in found], [groups for _, groups in found])


def measure(
    embed: Embed, names: Names, vectors: torch.Tensor, sets: list[Questions]
) -> dict[str, dict[str, float]]:
    """Recall at 1, 3 and 10 and mean reciprocal rank among all procedures, by ``vectors`` of their names alone."""
    return {questions.name: _measure(embed, names, vectors, questions) for questions in sets if questions.texts}


def _measure(embed: Embed, names: Names, vectors: torch.Tensor, questions: Questions) -> dict[str, float]:
    scores = embed(questions.texts, "query") @ vectors.T
    ranks = []
    for row, wanted in zip(scores.cpu().numpy(), questions.groups, strict=True):
        order = dict.fromkeys(names.groups[i] for i in np.argsort(-row)[:400])
        ranks.append(next((rank for rank, group in enumerate(order, 1) if group in wanted), 10_000))
    rank = np.array(ranks)
    recalls = {f"recall@{k}": round(float((rank <= k).mean()), 4) for k in (1, 3, 10)}
    return {"n": len(rank), **recalls, "mrr": round(float((1 / rank).mean()), 4)}


def report(before: dict[str, dict[str, float]], after: dict[str, dict[str, float]]) -> None:
    for name, old in before.items():
        new = after[name]
        figures = "  ".join(f"{key} {old[key]:.3f} → {new[key]:.3f}" for key in old if key != "n")
        print(f"{name} (n={old['n']}): {figures}")


def refusals(before: dict[str, dict[str, float]], after: dict[str, dict[str, float]]) -> list[str]:
    """What speaks against shipping: a set that lost, or held-out phrases that did not gain."""
    worse = [
        f"{name}: {key} fell from {old[key]:.3f} to {after[name][key]:.3f}"
        for name, old in before.items()
        for key in ("recall@3", "mrr")
        if after[name][key] < old[key] - TOLERANCE
    ]
    held_out = next(iter(before))
    if after[held_out]["mrr"] <= before[held_out]["mrr"]:
        worse.append(f"{held_out}: no gain")
    return worse


def forget_lengths(path: Path) -> None:
    """Saving writes the last batch's truncation and padding into the tokenizer; a reader sets its own."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(path))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, default=BASE, help="fp32 folder to start from")
    parser.add_argument("--out", type=Path, default=TUNED, help="where the tuned fp32 folder goes")
    parser.add_argument("--phrases", type=Path, nargs="+", default=PHRASES, help="phrase files")
    parser.add_argument("--catalogue", type=Path, help="JSON lines (.gz) with code, name, results: more names")
    parser.add_argument("--gate", type=Path, nargs="*", default=[], help="question files that must not get worse")
    parser.add_argument("--epochs", type=float, default=Options.epochs)
    parser.add_argument("--batch", type=int, default=Options.batch)
    parser.add_argument("--rate", type=float, default=Options.rate)
    parser.add_argument("--scale", type=float, default=Options.scale)
    parser.add_argument("--negatives", type=int, default=Options.negatives)
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument(
        "--bf16", action="store_true", help="bfloat16: for a GPU, or a processor with AVX512-BF16 or AMX"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-ship", action="store_true", help="leave the shipped model alone")
    return parser.parse_args()


def main() -> None:
    """Command line. Exit status 1: the tuned model was refused, and nothing was shipped."""
    given = parse()
    torch.set_num_threads(given.threads)
    options = Options(given.epochs, given.batch, given.rate, given.scale, given.negatives, given.seed, given.bf16)
    entries = read_entries(given.phrases, given.catalogue)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = SentenceTransformer(str(given.base), device=device, model_kwargs={"dtype": torch.float32})
    names = names_of(entries)
    sets = held_out_questions(entries) + [read_questions(path, entries) for path in given.gate]
    shipped, tuned = of_shipped(given.threads), of_model(model)
    vectors = shipped(names.texts, "passage")
    before = measure(shipped, names, vectors, sets)
    tune(model, entries, names, mine(shipped, entries, names, vectors), options)
    after = measure(tuned, names, tuned(names.texts, "passage"), sets)
    model.save(str(given.out), create_model_card=False)
    forget_lengths(given.out / "tokenizer.json")
    (given.out / "figures.json").write_text(json.dumps({"before": before, "after": after}, indent=1))
    report(before, after)
    if against := refusals(before, after):
        sys.exit("refused: " + "; ".join(against))
    if not given.no_ship:
        export(given.out, SHIPPED)
        print(f"shipped to {SHIPPED}")


if __name__ == "__main__":
    main()
