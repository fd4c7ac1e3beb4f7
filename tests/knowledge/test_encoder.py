"""The embedding model that ships, and the class around it."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from knowledge.search import encoder as module
from knowledge.search.encoder import SHIPPED_MODELS, Encoder, EncoderError
from knowledge.settings import ROOT
from tools.encoder import pairs

SHIPPED = SHIPPED_MODELS / "vi-e5-small"

QUESTIONS = [
    "làm lại căn cước ở đâu",
    "con mới sinh cần giấy tờ gì để làm khai sinh",
    "bố em mất rồi phải báo với xã thế nào",
    "muốn nhập hộ khẩu thường trú về nhà chồng",
    "xin giấy xác nhận độc thân để cưới vợ",
]
NAMES = [
    "Cấp lại thẻ căn cước",
    "Đăng ký khai sinh",
    "Đăng ký khai tử",
    "Đăng ký thường trú",
    "Cấp giấy xác nhận tình trạng hôn nhân",
    "Cấp giấy phép khai thác khoáng sản",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load(str(SHIPPED))


@pytest.fixture(scope="module")
def light() -> Encoder:
    return Encoder.load(str(SHIPPED), runtime="onnxruntime")


@pytest.fixture(scope="module")
def torch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny sentence-transformers model of another size, with torch weights in half precision."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    parts, out = folder / "parts", folder / "tiny"
    tokenizer = PreTrainedTokenizerFast.from_pretrained(SHIPPED)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        pad_token_id=1,
    )  # fmt: skip
    BertModel(config).half().save_pretrained(parts)
    tokenizer.save_pretrained(parts)
    modules = [Transformer(str(parts)), Pooling(16, "mean")]
    SentenceTransformer(modules=modules, device="cpu").half().save(str(out), create_model_card=False)
    return out


def copy_without(folder: Path, out: Path, name: str) -> Path:
    shutil.copytree(folder, out, ignore=shutil.ignore_patterns(name))
    return out


def test_vectors_are_unit_float32(encoder: Encoder) -> None:
    for vectors in (encoder.encode_queries(QUESTIONS), encoder.encode_passages(QUESTIONS)):
        assert vectors.shape == (len(QUESTIONS), encoder.dimension) == (5, 384)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_questions_are_nearest_to_their_procedure(encoder: Encoder) -> None:
    scores = encoder.encode_queries(QUESTIONS) @ encoder.encode_passages(NAMES).T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]
    assert (scores[:, 5] < scores[range(5), range(5)] - 0.02).all()


def test_queries_and_passages_have_their_own_prompts(encoder: Encoder) -> None:
    query, passage = encoder.encode_queries(["khai sinh"]), encoder.encode_passages(["khai sinh"])
    assert 0.8 < float((query * passage).sum()) < 0.999


def test_both_runtimes_give_the_same_vectors(encoder: Encoder, light: Encoder) -> None:
    assert np.allclose(encoder.encode_passages(NAMES), light.encode_passages(NAMES), atol=1e-5)
    assert encoder.fingerprint == light.fingerprint
    assert encoder.dimension == light.dimension


def test_decomposed_and_padded_text_is_the_same_text(light: Encoder) -> None:
    text = "Kết quả đăng ký khai sinh"
    variants = [text, unicodedata.normalize("NFD", text), f"  {text}\n", text.replace(" ", " \t "), f"\0{text}\0"]
    vectors = np.concatenate([light.encode_queries([variant]) for variant in variants])
    assert np.allclose(vectors, vectors[0], atol=1e-6)


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "\0\0a\0", "\ud83d", "🙂", "x" * 10_000, "đất đai " * 1_250, "a\u0301" * 10_000]
)
def test_any_text_has_a_vector(encoder: Encoder, text: str) -> None:
    for vectors in (encoder.encode_queries([text]), encoder.encode_passages([text, "khai sinh"])):
        assert np.isfinite(vectors).all()
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_texts(encoder: Encoder) -> None:
    assert encoder.encode_queries([]).shape == (0, 384)
    assert encoder.encode_passages([]).shape == (0, 384)


@pytest.mark.parametrize("threads", [1, 3])
def test_passages_keep_their_order_and_report_progress(threads: int) -> None:
    several = Encoder.load(str(SHIPPED), threads=threads, runtime="onnxruntime")
    texts = [name * repeat for repeat in (1, 9, 3) for name in NAMES]
    ticks: list[tuple[int, int]] = []
    vectors = several.encode_passages(texts, batch_size=4, progress=lambda done, total: ticks.append((done, total)))
    alone = np.concatenate([several.encode_passages([text]) for text in texts])
    assert ((vectors * alone).sum(axis=1) > 0.98).all()
    assert [done for done, _ in ticks] == sorted({done for done, _ in ticks})
    assert ticks[-1] == (len(texts), len(texts))


def test_batches_are_sorted_by_length_and_bounded() -> None:
    texts = ["a" * n for n in (5, 5_000, 1, 300, 2, 0)]
    batches = list(module._batches(texts, 2))
    assert [i for batch in batches for i in batch] == [1, 3, 0, 4, 2, 5]
    assert [len(batch) for batch in batches] == [1, 2, 2, 1]


def test_concurrent_queries(encoder: Encoder) -> None:
    expected = {text: encoder.encode_queries([text]) for text in QUESTIONS}
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda text: (text, encoder.encode_queries([text])), QUESTIONS * 20))
    assert all(np.allclose(vector, expected[text], atol=1e-5) for text, vector in results)


def test_shipped_name_is_enough(light: Encoder) -> None:
    assert Encoder.load("vi-e5-small", runtime="onnxruntime").fingerprint == light.fingerprint


def test_fingerprint_follows_the_files(light: Encoder, tmp_path: Path) -> None:
    same = copy_without(SHIPPED, tmp_path / "same", "README.md")
    assert Encoder.load(str(same), runtime="onnxruntime").fingerprint == light.fingerprint
    prompts = same / "config_sentence_transformers.json"
    prompts.write_text(prompts.read_text().replace('"query: "', '"search: "'))
    assert Encoder.load(str(same), runtime="onnxruntime").fingerprint != light.fingerprint


def test_another_model_with_torch_weights(torch_folder: Path, encoder: Encoder) -> None:
    other = Encoder.load(str(torch_folder), threads=2)
    vectors = other.encode_passages(NAMES * 5)
    assert vectors.shape == (30, 16) and other.dimension == 16
    assert vectors.dtype == np.float32
    assert np.allclose(vectors[:6], vectors[6:12], atol=1e-4)
    assert other.fingerprint != encoder.fingerprint
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(lambda text: other.encode_queries([text]), QUESTIONS * 5))) == 25


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda _: "/no/such/model", "does not exist: set MOTCUA_ENCODER"),
        (lambda path: path, "has no modules.json: set MOTCUA_ENCODER"),
        (lambda path: copy_without(SHIPPED, path / "m", "onnx"), "holds no weights"),
        (lambda path: copy_without(SHIPPED, path / "m", "tokenizer.json"), "cannot load the embedding model"),
    ],
)
def test_unusable_folder_says_what_to_do(tmp_path: Path, broken, message: str) -> None:
    with pytest.raises(EncoderError, match=message) as caught:
        Encoder.load(str(broken(tmp_path)))
    assert "\n" not in str(caught.value)


def test_damaged_network_is_one_clear_line(tmp_path: Path) -> None:
    folder = copy_without(SHIPPED, tmp_path / "m", "README.md")
    (folder / "onnx/model.onnx").write_bytes(b"not a network")
    with pytest.raises(EncoderError, match="cannot load the embedding model") as caught:
        Encoder.load(str(folder), runtime="onnxruntime")
    assert "\n" not in str(caught.value)


def test_light_runtime_leaves_other_models_to_sentence_transformers(torch_folder: Path, tmp_path: Path) -> None:
    expected = Encoder.load(str(torch_folder)).encode_queries(QUESTIONS)
    assert np.allclose(Encoder.load(str(torch_folder), runtime="onnxruntime").encode_queries(QUESTIONS), expected)

    by_cls = copy_without(SHIPPED, tmp_path / "cls", "README.md")
    pooling = by_cls / "1_Pooling/config.json"
    pooling.write_text(pooling.read_text().replace('"mean"', '"cls"'))
    heavy, light = (Encoder.load(str(by_cls), runtime=runtime) for runtime in ("sentence-transformers", "onnxruntime"))
    assert np.allclose(light.encode_queries(QUESTIONS), heavy.encode_queries(QUESTIONS), atol=1e-5)


@pytest.mark.parametrize("load", ["", "; Encoder.load('vi-e5-small', runtime='onnxruntime').encode_queries(['x'])"])
def test_import_and_light_runtime_stay_without_torch(load: str) -> None:
    code = f"import sys; from knowledge.search.encoder import Encoder{load}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_shipped_folder_is_small_and_licensed() -> None:
    sizes = [path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()]
    assert max(sizes) < 45e6 and sum(sizes) < 80e6
    assert "MIT License" in (SHIPPED / "LICENSE").read_text()
    assert "intfloat/multilingual-e5-small" in (SHIPPED / "README.md").read_text()


def test_print_speed(encoder: Encoder, light: Encoder) -> None:
    """Speed depends on the machine: printed (``pytest -s``), not asserted."""
    for name, model in (("sentence-transformers", encoder), ("onnxruntime", light)):
        times = []
        for text in QUESTIONS * 20:
            start = time.perf_counter()
            model.encode_queries([text])
            times.append((time.perf_counter() - start) * 1e3)
        start = time.perf_counter()
        model.encode_passages(NAMES * 20)
        rate = len(NAMES) * 20 / (time.perf_counter() - start)
        p50, p95 = np.percentile(times, [50, 95])
        print(f"\n{name}: query p50 {p50:.1f} ms, p95 {p95:.1f} ms; {rate:.0f} names/s")


def test_training_pairs_are_kept_apart(tmp_path: Path) -> None:
    phrases = [f"hỏi việc số {i} không được" for i in range(200)]
    listed = tmp_path / "listed.yml"
    listed.write_text(
        '- {code: "1.000001", name: Thủ tục đăng ký thử, plain_name: Thử, phrases: [xin thử], results: [Giấy thử]}\n',
        encoding="utf-8",
    )
    keyed = tmp_path / "keyed.yml"
    lines = [f"  - {phrase}\n" for phrase in phrases]
    keyed.write_text('"1.000001":\n' + "".join(lines) + '"9.999999":\n  - không ai biết\n', encoding="utf-8")

    entries = pairs.read_entries([listed, keyed], catalogue=None)
    assert list(entries) == ["1.000001"]
    assert entries["1.000001"].names == ["đăng ký thử", "Thử"]

    held = {pair.query for pair in pairs.phrase_pairs(entries, held_out=True)}
    trained = {pair.query for pair in pairs.training_pairs(entries, random.Random(1))}
    assert 5 < len(held) < 40 and not held & trained
    assert held | trained >= set(phrases)
    assert pairs.training_pairs(entries, random.Random(1)) == pairs.training_pairs(entries, random.Random(1))


def test_as_typed_never_loses_the_text() -> None:
    rng = random.Random(1)
    typed = {pairs.as_typed("không có căn cước công dân", rng) for _ in range(200)}
    assert all(len(text) > 8 for text in typed)
    assert any("cccd" in text for text in typed)
    assert any("khong co can cuoc" in text for text in typed)
