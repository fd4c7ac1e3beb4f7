"""Turns an fp32 sentence-transformers folder into the folder that ships: ONNX, int8.

    python -m tools.encoder.export_onnx var/encoder/base --verify texts.txt

Weights are quantised per channel (per tensor loses four times as much) and with 7 bits
(``reduce_range``), so that processors without VNNI instructions do not overflow; activations
are quantised at run time, one scale for a whole batch. That scale is too coarse for the input of
each layer's last matrix, which has outliers and causes nine tenths of the error: those twelve
matrices are quantised in blocks, whose inputs have a scale a block (``MatMulNBits``). Nothing
else of the folder changes: it stays a sentence-transformers model whose network lies in
``onnx/model.onnx``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from sentence_transformers import SentenceTransformer
from transformers import AutoModel

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "knowledge/models/vi-e5-small"
NETWORK = "onnx/model.onnx"
CONFIGURATION = [
    "config.json",
    "config_sentence_transformers.json",
    "modules.json",
    "sentence_bert_config.json",
    "tokenizer_config.json",
    "1_Pooling/config.json",
    "2_Normalize/config.json",
]
OPSET = 18
BLOCK = 128
"""Weights of one block."""


class LastHiddenState(torch.nn.Module):
    """The network with the two inputs and the one output that are exported."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.network = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.network(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def export_fp32(folder: Path, out: Path) -> None:
    """Write the network of ``folder`` to ``out`` as fp32 ONNX with free batch size and length."""
    ids = torch.randint(4, 1000, (3, 17))
    mask = torch.ones_like(ids)
    mask[0, 10:] = 0
    free = {0: torch.export.Dim("batch", min=1, max=4096), 1: torch.export.Dim("tokens", min=2, max=512)}
    torch.onnx.export(
        LastHiddenState(folder),
        (ids, mask),
        out,
        input_names=["input_ids", "attention_mask"],
        output_names=["last_hidden_state"],
        dynamic_shapes=(free, free),
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def without_notes(path: Path) -> None:
    """Remove the exporter's notes (source lines and paths of this machine) from the ONNX file ``path``."""
    network = onnx.load(path)
    for node in network.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.save(network, path)


def quantise(fp32: Path, out: Path) -> None:
    """Write the int8 version of the ONNX file ``fp32`` to ``out``; ``fp32`` is changed on the way."""
    out.parent.mkdir(parents=True, exist_ok=True)
    quantise_in_blocks(fp32)
    quantize_dynamic(fp32, out, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
    without_notes(out)


def quantise_in_blocks(path: Path) -> None:
    """Replace the feed-forward networks' second matrices in the ONNX file ``path`` by 8-bit blocks."""
    network = onnx.load(path)
    shapes = {tensor.name: tuple(tensor.dims) for tensor in network.graph.initializer}
    multiplications = [node for node in network.graph.node if node.op_type == "MatMul"]
    others = [node.name for node in multiplications if not _narrows(shapes.get(node.input[1], ()))]
    config = DefaultWeightOnlyQuantConfig(block_size=BLOCK, is_symmetric=True, accuracy_level=4, bits=8)
    quantizer = MatMulNBitsQuantizer(network, algo_config=config, nodes_to_exclude=others)
    quantizer.process()
    onnx.save(quantizer.model.model, path)


def _narrows(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape[0] > shape[1]


def copy_configuration(folder: Path, out: Path) -> None:
    """Copy tokenizer and configuration; the tokenizer without indentation (1.6 instead of 2.8 MB)."""
    for name in CONFIGURATION:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, out / name)
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    text = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))
    (out / "tokenizer.json").write_text(text, encoding="utf-8")


def export(folder: Path, out: Path = SHIPPED) -> None:
    """Write the int8 ONNX version of the sentence-transformers folder ``folder`` into ``out``."""
    with tempfile.TemporaryDirectory() as temporary:
        fp32 = Path(temporary) / "model.onnx"
        export_fp32(folder, fp32)
        quantise(fp32, out / NETWORK)
    copy_configuration(folder, out)


def verify(folder: Path, out: Path, texts: list[str]) -> float:
    """Print and return the mean cosine between the fp32 vectors and those of ``out``."""
    from knowledge.search.encoder import Encoder

    fp32 = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    cosines = (fp32.encode(texts, prompt_name="passage") * Encoder.load(str(out)).encode_passages(texts)).sum(axis=1)
    print(f"cosine of int8 to fp32: mean {cosines.mean():.4f}, lowest {cosines.min():.4f}")
    return float(cosines.mean())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="fp32 sentence-transformers folder")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--verify", type=Path, help="text file, one text a line, to compare int8 and fp32 vectors")
    options = parser.parse_args()
    export(options.folder, options.out)
    print(f"{options.out}: {sum(f.stat().st_size for f in options.out.rglob('*') if f.is_file()) / 1e6:.1f} MB")
    if options.verify:
        verify(options.folder, options.out, options.verify.read_text(encoding="utf-8").splitlines())


if __name__ == "__main__":
    main()
