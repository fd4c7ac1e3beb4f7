"""Text to vectors: a sentence-transformers model, by default the small Vietnamese one that ships.

A model is a sentence-transformers folder. If it has ``onnx/*.onnx``, onnxruntime runs the network
and torch runs nothing; if it has ``*.safetensors``, torch does. Importing this module is cheap:
sentence-transformers is imported when a model is loaded.
"""

from __future__ import annotations

import hashlib
import json
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import InputModule

SHIPPED_MODELS = Path(__file__).resolve().parents[1] / "models"
DEFAULT_MAX_TOKENS = 512
CHARACTERS_PER_TOKEN = 16
"""Longest piece of a SentencePiece vocabulary: text beyond ``max_tokens`` times this is never read."""
BATCH_CHARACTERS = 800
"""Bound on texts x longest text (characters) of one batch. About 250 tokens stay in a core's cache: batches of
8 names run three times as fast as batches of 64, and memory stays flat."""
MODEL_FILES = {".json", ".onnx", ".safetensors", ".bin", ".model", ".txt"}

Runtime = Literal["sentence-transformers", "onnxruntime"]


class EncoderError(RuntimeError):
    """The model cannot be used; the message is one line and says what to do."""


class _Network(Protocol):
    """What an encoder needs of a loaded model."""

    dimension: int
    max_tokens: int

    def embed(self, texts: list[str], prompt: str) -> np.ndarray:
        """Vectors (n, dimension) of ``texts``, each with ``prompt`` in front; any length, float32."""


class Encoder:
    """Turns texts into unit vectors of float32. One instance serves many threads at once."""

    def __init__(self, folder: Path, network: _Network, prompts: dict[str, str], threads: int) -> None:
        self.folder = folder
        self._network = network
        self._prompts = prompts
        self._threads = threads

    @classmethod
    def load(cls, path_or_name: str, threads: int = 1, runtime: Runtime = "sentence-transformers") -> Encoder:
        """Load a model.

        Args:
            path_or_name: a sentence-transformers folder, or the name of a shipped one (``"vi-e5-small"``).
            threads: threads for embedding many passages; a query always takes one.
            runtime: ``"onnxruntime"`` runs an ONNX model with mean pooling without importing
                sentence-transformers and torch: the same vectors, less memory, a faster start.
                Any other model is run by sentence-transformers all the same.

        Raises:
            EncoderError: no such folder, not a model, or a damaged one.
        """
        folder = _find_folder(path_or_name)
        try:
            network = _load_network(folder, runtime)
            prompts = _read_prompts(folder)
        except EncoderError:
            raise
        except Exception as error:  # whatever the libraries raise for a damaged file
            reason = " ".join(str(error).split())[:200]
            raise EncoderError(f"cannot load the embedding model in {folder}: {reason}") from error
        return cls(folder, network, prompts, max(1, threads))

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._network.dimension

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over names and contents of the model's files: another model's index does not fit."""
        digest = hashlib.sha256()
        for path in sorted(p for p in self.folder.rglob("*") if p.is_file() and p.suffix in MODEL_FILES):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(self.folder).as_posix()} {content}\n".encode())
        return digest.hexdigest()

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors (n, dimension), float32, of what people ask; an empty text has a vector too."""
        return self._encode(texts, self._prompts["query"], batch_size=64, threads=1)

    def encode_passages(
        self, texts: Sequence[str], batch_size: int = 64, progress: Callable[[int, int], None] | None = None
    ) -> np.ndarray:
        """Unit vectors (n, dimension), float32, of what is searched.

        ``progress`` is called in this thread with the number of texts done and of all texts.
        """
        return self._encode(texts, self._prompts["passage"], batch_size, self._threads, progress)

    def _encode(
        self,
        texts: Sequence[str],
        prompt: str,
        batch_size: int,
        threads: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> np.ndarray:
        limit = self._network.max_tokens * CHARACTERS_PER_TOKEN
        cleaned = [_clean(text, limit) for text in texts]
        vectors = np.empty((len(cleaned), self.dimension), dtype=np.float32)
        batches = list(_batches(cleaned, batch_size))

        def embed(batch: list[int]) -> np.ndarray:
            return _unit(self._network.embed([cleaned[i] for i in batch], prompt))

        done = 0
        for batch, result in zip(batches, _map(embed, batches, threads), strict=True):
            vectors[batch] = result
            done += len(batch)
            if progress:
                progress(done, len(cleaned))
        return vectors


def _map(function: Callable[[list[int]], np.ndarray], items: list[list[int]], threads: int) -> Iterator[np.ndarray]:
    """``map`` over ``threads`` threads, results in order."""
    if threads == 1 or len(items) < 2:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(function, items)


def _clean(text: str, limit: int) -> str:
    """Composed (NFC) text with single blanks, without NUL and half surrogate pairs, at most ``limit`` characters."""
    text = text[: 2 * limit].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
    return " ".join(unicodedata.normalize("NFC", text).split())[:limit]


def _batches(texts: list[str], batch_size: int) -> Iterator[list[int]]:
    """Positions of texts of like length, the longest first: at most ``batch_size``, and fewer of long texts."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
    start = 0
    while start < len(order):
        longest = max(1, len(texts[order[start]]))
        size = max(1, min(batch_size, BATCH_CHARACTERS // longest))
        yield order[start : start + size]
        start += size


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1 (L2), float32."""
    vectors = np.asarray(vectors, dtype=np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _find_folder(path_or_name: str) -> Path:
    for folder in (Path(path_or_name).expanduser(), SHIPPED_MODELS / path_or_name):
        if (folder / "modules.json").is_file():
            return folder
    shipped = ", ".join(sorted(p.parent.name for p in SHIPPED_MODELS.glob("*/modules.json"))) or "none"
    fault = "has no modules.json" if Path(path_or_name).is_dir() else "does not exist"
    raise EncoderError(
        f"embedding model {path_or_name!r} {fault}: set MOTCUA_ENCODER to a sentence-transformers folder "
        f"or to the name of a shipped model ({shipped})"
    )


def _read_prompts(folder: Path) -> dict[str, str]:
    """What the model wants in front of queries and passages; nothing where it does not say."""
    path = folder / "config_sentence_transformers.json"
    prompts = json.loads(path.read_text(encoding="utf-8")).get("prompts", {}) if path.is_file() else {}
    passage = next((prompts[name] for name in ("passage", "document", "corpus") if prompts.get(name)), "")
    return {"query": prompts.get("query") or "", "passage": passage}


def _load_network(folder: Path, runtime: Runtime) -> _Network:
    onnx_file = _onnx_file(folder)
    if onnx_file is None:
        return _SentenceTransformersModel(_torch_model(folder))
    if runtime == "onnxruntime" and _pools_by_mean(folder):
        return _MeanPooledOnnx(folder, onnx_file)
    return _SentenceTransformersModel(_onnx_model(folder, onnx_file))


def _onnx_file(folder: Path) -> Path | None:
    """``onnx/model.onnx``, or the first other ONNX file there."""
    files = sorted(folder.glob("onnx/*.onnx"))
    return next((f for f in files if f.stem == "model"), files[0] if files else None)


def _pools_by_mean(folder: Path) -> bool:
    """Whether the model is a network, the mean over all of its tokens, and nothing that changes directions after."""
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))[1:]
    if [module["type"].rsplit(".", 1)[-1] for module in modules] not in (["Pooling"], ["Pooling", "Normalize"]):
        return False
    pooling = json.loads((folder / modules[0]["path"] / "config.json").read_text(encoding="utf-8"))
    old_modes = [name for name, on in pooling.items() if name.startswith("pooling_mode_") and on]
    mean = pooling.get("pooling_mode") == "mean" or old_modes == ["pooling_mode_mean_tokens"]
    return mean and pooling.get("include_prompt", True)


class _OnnxNetwork:
    """Tokenizer and network of a folder, run by onnxruntime; safe for concurrent calls."""

    def __init__(self, folder: Path, onnx_file: Path) -> None:
        self.tokenizer = _load_tokenizer(folder)
        self.session = _open_session(onnx_file)
        self.inputs = {item.name for item in self.session.get_inputs()}
        self.max_tokens = self.tokenizer.truncation["max_length"]
        self.dimension = int(self.session.get_outputs()[0].shape[-1])

    def tokenize(self, texts: list[str]) -> dict[str, np.ndarray]:
        """``input_ids`` and ``attention_mask``, int64 (n, tokens), padded to the longest."""
        encodings = self.tokenizer.encode_batch(texts)
        ids = np.array([e.ids for e in encodings], dtype=np.int64)
        mask = np.array([e.attention_mask for e in encodings], dtype=np.int64)
        return {"input_ids": ids, "attention_mask": mask}

    def token_vectors(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """The last layer's output, float32 (n, tokens, dimension)."""
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return self.session.run(None, {name: value for name, value in feed.items() if name in self.inputs})[0]


def _load_tokenizer(folder: Path):
    """The folder's fast tokenizer, set once to cut and pad (which is what makes it safe to share)."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    pad = config.get("pad_token", "<pad>")
    pad = pad["content"] if isinstance(pad, dict) else pad
    tokenizer.enable_truncation(min(config.get("model_max_length", DEFAULT_MAX_TOKENS), DEFAULT_MAX_TOKENS))
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id(pad) or 0, pad_token=pad)
    return tokenizer


def _open_session(onnx_file: Path):
    """One thread a call: queries do not fight over cores, and passages run several batches side by side.

    Without the memory arena a large batch does not keep its memory for ever.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(onnx_file), options, providers=["CPUExecutionProvider"])


class _MeanPooledOnnx(_OnnxNetwork):
    """An ONNX model without sentence-transformers: the mean of the token vectors, in numpy."""

    def embed(self, texts: list[str], prompt: str) -> np.ndarray:
        features = self.tokenize([prompt + text for text in texts])
        ids, mask = features["input_ids"], features["attention_mask"]
        weights = mask[:, :, None].astype(np.float32)
        return (self.token_vectors(ids, mask) * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)


class _SentenceTransformersModel:
    """A ``SentenceTransformer``, whatever runs its network."""

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model
        self.dimension = int(model.get_embedding_dimension() or 0)
        self.max_tokens = int(model.max_seq_length or DEFAULT_MAX_TOKENS)
        # transformers' tokenizers change their own state while they run; the ONNX module's does not.
        self._lock = threading.Lock() if next(model.parameters(), None) is not None else None

    def embed(self, texts: list[str], prompt: str) -> np.ndarray:
        if self._lock is None:
            return self._run(texts, prompt)
        with self._lock:
            return self._run(texts, prompt)

    def _run(self, texts: list[str], prompt: str) -> np.ndarray:
        return self._model.encode(texts, prompt=prompt, batch_size=len(texts), show_progress_bar=False)


def _torch_model(folder: Path) -> SentenceTransformer:
    """The folder as sentence-transformers reads it. In float32: half precision is several times slower on a CPU."""
    import torch
    from sentence_transformers import SentenceTransformer

    if not list(folder.rglob("*.safetensors")):
        raise EncoderError(f"{folder} has neither onnx/*.onnx nor *.safetensors: it holds no weights")
    return SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32}
    )  # fmt: skip


def _onnx_model(folder: Path, onnx_file: Path) -> SentenceTransformer:
    """The folder with its first module replaced by onnxruntime.

    sentence-transformers' own ``backend="onnx"`` needs optimum-onnx, whose newest version (0.1.0) wants
    transformers < 4.58, while sentence-transformers 6 wants >= 5.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.util import import_from_string

    parts = json.loads((folder / "modules.json").read_text(encoding="utf-8"))[1:]
    modules = [_as_module(_OnnxNetwork(folder, onnx_file))]
    for part in parts:
        if not part["type"].startswith("sentence_transformers."):
            raise EncoderError(
                f"{folder} wants the foreign module {part['type']}: only sentence-transformers' own are run"
            )
        modules.append(import_from_string(part["type"]).load(str(folder), subfolder=part["path"]))
    return SentenceTransformer(modules=modules, device="cpu")


def _as_module(network: _OnnxNetwork) -> InputModule:
    """The network as the first module of a ``SentenceTransformer``."""
    import torch
    from sentence_transformers.sentence_transformer.modules import InputModule

    class OnnxTransformer(InputModule):
        """Tokenises and runs the network outside torch."""

        tokenizer = network.tokenizer
        max_seq_length = network.max_tokens

        def preprocess(self, inputs, prompt=None, **_):
            texts = [(prompt or "") + text for text in inputs]
            return {name: torch.from_numpy(values) for name, values in network.tokenize(texts).items()}

        def forward(self, features, **_):
            vectors = network.token_vectors(features["input_ids"].numpy(), features["attention_mask"].numpy())
            return features | {"token_embeddings": torch.from_numpy(vectors)}

        def get_embedding_dimension(self):
            return network.dimension

        def save(self, output_path, *_, **__):
            raise NotImplementedError("an ONNX model is written by tools/encoder/export_onnx.py")

    return OnnxTransformer()
