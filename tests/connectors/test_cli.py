"""The command line as users type it: one JSON document, one-line errors, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.cli import app
from knowledge.settings import ROOT, Settings

ENTRY = """
- code: "1.000001"
  name: Đăng ký việc thử
  levels: [commune]
  fees: [{status: amount, amount: %d}]
  sources: {s: {name: Nguồn thử, retrieved: 2026-07-20}}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.delenv("MOTCUA_HOME", raising=False)

    def call(*arguments: str, home: Path = tmp_path / "home"):  # type: ignore[no-untyped-def]
        monkeypatch.setenv("MOTCUA_HOME", str(home))
        return CliRunner().invoke(app, ["--home", str(home), *arguments])

    return call


def entry(folder: Path, amount: int) -> Path:
    path = folder / "entry.yml"
    path.write_text(ENTRY % amount, encoding="utf-8")
    return path


def test_import_reports_and_twice_changes_nothing(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = entry(tmp_path, 5000)
    first = json.loads(run("import", str(path), "--json").stdout)["files"][0]
    again = json.loads(run("import", str(path), "--json").stdout)["files"][0]
    assert (first["format"], first["added"]) == ("starter", 1)
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 1)


def test_show_as_of_and_diff(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run("import", str(entry(tmp_path, 5000)))
    run("import", str(entry(tmp_path, 8000)))
    assert "8.000 đồng" in run("show", "1.000001").stdout
    difference = run("show", "1.000001", "--diff").stdout
    assert '-   "amount": 5000' in difference
    assert '+   "amount": 8000' in difference
    document = json.loads(run("show", "1.000001", "--json").stdout)
    assert len(document["versions"]) == 2
    missing = run("show", "1.000001", "--as-of", "2001-01-01")
    assert missing.exit_code == 2
    assert "no procedure" in missing.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.json", b"<!doctype html><html><body>502 Bad Gateway</body></html>"),
        ("cut.jsonl.gz", b"\x1f\x8b\x08\x00\x00"),
        ("empty.jsonl", b""),
        ("broken.json", b'{"code": '),
    ],
)
def test_an_unusable_file_is_one_clear_line(run, tmp_path: Path, name: str, content: bytes) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / name
    path.write_bytes(content)
    result = run("import", str(path))
    assert result.exit_code == 2
    assert name in result.stderr
    assert "Traceback" not in result.output
    assert json.loads(run("import", str(path), "--json").stdout)["failed"]


def test_a_missing_index_says_what_to_do(run) -> None:  # type: ignore[no-untyped-def]
    result = run("search", "khai sinh")
    assert result.exit_code == 2
    assert "motcua index" in result.stderr


def test_search_and_evaluate_print_the_contract(run, starter_settings: Settings, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    found = json.loads(run("search", "giay doc than", "-k", "2", "--json", home=starter_settings.home).stdout)
    assert found["results"][0]["code"] == "1.004873"
    questions = tmp_path / "q.jsonl"
    rows = [
        {"id": "1", "question": "xin giấy độc thân", "behavior": "answer", "acceptable_codes": ["1.004873"], "fields": []},
        {"id": "2", "question": "giá vàng hôm nay", "behavior": "abstain", "acceptable_codes": [], "fields": []},
        {"id": "3", "question": "x", "behavior": "answer", "acceptable_codes": ["9.999999"], "fields": []},
    ]
    questions.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    figures = json.loads(run("evaluate", str(questions), "--json", home=starter_settings.home).stdout)
    assert (figures["n"], figures["skipped"], figures["recall@1"]) == (2, 1, 1.0)
    assert {"recall@3", "recall@10", "mrr", "wrong_answer_rate", "answered", "clarify_when_should", "abstain_when_should",
            "abstain_when_should_not", "field_accuracy", "p50_ms", "p95_ms", "by_style"} <= set(figures)  # fmt: skip


@pytest.mark.parametrize("content", ["", "not json", '{"question": 5}', "[1, 2]"])
def test_a_bad_questions_file_is_one_clear_line(run, starter_settings: Settings, tmp_path: Path, content: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "q.jsonl"
    path.write_text(content, encoding="utf-8")
    result = run("evaluate", str(path), home=starter_settings.home)
    assert result.exit_code == 2
    assert "q.jsonl" in result.stderr


def test_lint_of_the_starter_catalogue(run, starter_settings: Settings) -> None:  # type: ignore[no-untyped-def]
    report = json.loads(run("lint", "--json", home=starter_settings.home).stdout)
    assert report


def test_the_starter_folder_is_what_make_run_imports() -> None:
    assert "import knowledge/starter" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "value", "code"), [("MOTCUA_PORT", "abc", 2), ("MOTCUA_PUBLIC_URL", "bí-mật", 2), ("MOTCUA_PUBLIC_URL", "", 0)])
def test_a_wrong_setting_is_one_line_that_names_it_and_not_its_value(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, code: int
) -> None:
    monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, ["--home", str(tmp_path), "channels", "--json"])
    assert result.exit_code == code
    if code:
        assert name in result.stderr
        assert value not in result.stderr
        assert result.stderr.count("\n") == 1
