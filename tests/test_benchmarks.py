"""The benchmarks' arithmetic on examples worked by hand, and that each script starts."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import baselines, faq, growth, processes, report, search, start, turns
from benchmarks.metrics import first_right, percentile, recall_at, reciprocal_rank_fusion
from connectors import conversation
from knowledge.evaluation import Dialogue, Expectation, Question
from knowledge.settings import ROOT
from tests.conftest import NATIONAL

SCRIPTS = ("search", "turns", "start", "growth", "dossiers", "steps", "channels", "faq")


# -- arithmetic ---------------------------------------------------------------------------------


def test_first_right_is_the_rank_of_the_first_acceptable_code() -> None:
    assert first_right(["a", "b", "c"], {"c", "b"}) == 2
    assert first_right(["a", "b"], {"z"}) is None
    assert first_right([], {"a"}) is None


def test_recall_counts_ranks_up_to_k_and_misses() -> None:
    ranks = [1, 2, 3, 11, None]
    assert recall_at(1, ranks) == 1 / 5
    assert recall_at(3, ranks) == 3 / 5
    assert recall_at(10, ranks) == 3 / 5


def test_percentile_interpolates_between_neighbours() -> None:
    assert percentile([4, 1, 3, 2], 50) == 2.5
    assert percentile([10, 20, 30], 0) == 10
    assert percentile(list(range(101)), 95) == 95


def test_fusion_adds_reciprocal_ranks() -> None:
    # 1: 1/61 + 1/62 = .0325; 2: 1/62 + 1/61, the same, met later; 3: 1/63 + 1/63 = .0317; 4: 1/64
    assert reciprocal_rank_fusion([[1, 2, 3, 4], [2, 1, 3]]) == [1, 2, 3, 4]
    # with k = 0 a first place (1) outweighs two third places (2/3); with k = 60 it does not (1/61 < 2/63)
    rankings = [[1, 8, 2], [7, 9, 2]]
    assert reciprocal_rank_fusion(rankings, k=0)[0] == 1
    assert reciprocal_rank_fusion(rankings)[0] == 2
    assert reciprocal_rank_fusion([[], [5]]) == [5]


# -- real questions -----------------------------------------------------------------------------


@pytest.mark.national
def test_labels_of_real_questions_name_them_and_procedures_that_exist(shared: Path) -> None:
    labelled = faq.read()
    assert len(labelled) == 377
    with gzip.open(NATIONAL, "rt", encoding="utf-8") as lines:
        codes = {json.loads(line)["code"].strip() for line in lines}
    assert {code for one in labelled for code in one.codes} <= codes
    assert all((one.kind == "procedure") == bool(one.codes) and len(one.codes) <= 6 for one in labelled)


def test_another_question_than_the_labelled_one_is_refused(tmp_path: Path) -> None:
    questions, gold = tmp_path / "questions.jsonl", tmp_path / "gold.jsonl"
    questions.write_text('{"question": "hỏi gì đó"}\n', encoding="utf-8")
    gold.write_text(
        '{"line": 1, "sha256": "0000", "kind": "general", "codes": [], "unsure": false}\n', encoding="utf-8"
    )
    with pytest.raises(ValueError, match="line 1"):
        faq.read(questions, gold)


# -- baselines ----------------------------------------------------------------------------------


def test_bm25_reads_words_not_characters_and_needs_no_accents() -> None:
    assert baselines.folded_terms("Đăng ký khai") == ["dang", "ky", "khai", "dang_ky", "ky_khai"]
    rank = baselines.bm25(["Đăng ký khai sinh", "Đăng ký khai tử", "Cấp giấy phép xây dựng"])
    assert rank("khai sinh")[0] == 0
    assert rank("khai tu") == [1, 0]
    assert rank("xyz") == []


def test_quality_skips_what_the_baselines_cannot_know() -> None:
    questions = [
        Question(id="1", question="có dấu", acceptable_codes=["a"]),
        Question(id="2", question="b", acceptable_codes=["elsewhere"]),
        Question(id="3", question="c", behavior="abstain"),
    ]
    answers = {"có dấu": ["b", "a"], "co dau": ["a"]}
    (table,) = search.quality({"method": answers.__getitem__}, [search.QuestionSet("set", questions)], {"a"})
    assert table.title == "set: 1 questions, 2 skipped"
    assert table.rows == [["method", 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]]


# -- growth -------------------------------------------------------------------------------------


def test_postings_are_repeated_column_by_column() -> None:
    # two texts, three words: word 0 in both, word 1 in none, word 2 in the second
    data, indices, indptr = growth.repeat_columns(
        np.array([0.5, 0.25, 2.0]), np.array([0, 1, 1]), np.array([0, 2, 2, 3]), rows=2, times=2
    )
    assert indptr.tolist() == [0, 4, 4, 6]
    assert indices.tolist() == [0, 1, 2, 3, 1, 3]
    assert data.tolist() == [0.5, 0.25, 0.5, 0.25, 2.0, 2.0]


# -- turns --------------------------------------------------------------------------------------


def test_talks_are_short_and_make_up_the_number_of_messages() -> None:
    turn = {"user": "hỏi", "expect": {}}
    dialogues = [Dialogue.model_validate({"id": str(n), "turns": [turn] * n}) for n in (3, 6)]
    assert [len(talk) for talk in turns._talks(dialogues, 12)] == [3, 4, 3, 2]


def test_replies_are_counted() -> None:
    outcome = turns.Outcome(users=1)
    wanted = Expectation(acceptable_codes=["1.001193"])
    right = {"status": "answered", "text": "…", "procedure_code": "1.001193"}
    turns.count(outcome, wanted, [right])
    turns.count(outcome, wanted, [right | {"procedure_code": "9.999999"}])
    turns.count(outcome, wanted, [{"status": "error", "text": "…"}])
    turns.count(outcome, Expectation(behavior="clarify"), [right | {"text": conversation._REDUCED}])
    assert (outcome.right, outcome.to_answer, outcome.failed, outcome.reduced) == (1, 3, 1, 1)
    assert outcome.statuses == {"answered": 3, "error": 1}


def test_the_mark_of_an_answer_without_rasa_is_what_the_app_writes() -> None:
    assert turns.REDUCED in conversation._REDUCED


def test_load_goes_to_this_machine_only() -> None:
    assert turns.arguments(["--url", "http://127.0.0.1:8000/"]).url == "http://127.0.0.1:8000"
    for wrong in (["--url", "https://example.org"], ["--home", "x", "--users", "1000"], []):
        with pytest.raises(SystemExit):
            turns.arguments(wrong)


# -- the machine --------------------------------------------------------------------------------


def test_the_listening_process_and_its_memory_are_found() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert processes.listening_on(server.getsockname()[1]) == os.getpid()
    used = processes.memory()
    assert used.peak >= used.resident > 1
    assert used.resident == pytest.approx(used.own + used.file, rel=0.02)
    assert processes.cpu_seconds(os.getpid()) > 0


def test_a_report_names_machine_and_versions(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = report.Table("figures", ["what", "ms"], [["search", 12.345], ["nothing", None]])
    report.Report("test", [table]).publish(tmp_path / "report.json")
    printed = capsys.readouterr().out
    assert "| search  | 12.3 |" in printed
    assert "| nothing | –    |" in printed
    for fact in ("cores", "CPU", "memory GiB", "Python", "motcua", "rasa"):
        assert f"{fact} " in printed
    for library in ("faiss-cpu", "onnxruntime", "sentence-transformers"):
        assert library in printed
    assert "12.345" in (tmp_path / "report.json").read_text()


# -- the scripts --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_says_how_it_is_run(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--json" in done.stdout
    assert f"benchmarks.{name}" in (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_parses_its_arguments(name: str) -> None:
    options = importlib.import_module(f"benchmarks.{name}").arguments(["--home", "somewhere", "--json", "out.json"])
    assert (options.home, options.json) == (Path("somewhere"), Path("out.json"))


def test_a_start_is_measured_in_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "motcua.db").touch()
    with pytest.raises(SystemExit, match="not empty"), start._fresh(tmp_path):
        pass
