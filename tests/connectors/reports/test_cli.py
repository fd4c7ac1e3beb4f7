"""``motcua report`` as users type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from connectors.cli import app
from knowledge.settings import Settings


@pytest.fixture
def run(office: Settings, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def call(*arguments: str, home: Path = office.home) -> Result:
        monkeypatch.setenv("MOTCUA_HOME", str(home))
        return CliRunner().invoke(app, ["--home", str(home), "report", *arguments])

    return call


def test_a_workbook_and_a_folder_of_csv_files(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert run("--month", "2026-11", "--out", str(tmp_path / "new" / "report.xlsx")).exit_code == 0
    book = load_workbook(tmp_path / "new" / "report.xlsx")
    assert (book.sheetnames[0], book.sheetnames[-1]) == ("Mục lục", "Ghi chú")
    assert run("--quarter", "2026-Q4", "--out", f"{tmp_path}/csv/").exit_code == 0
    assert (tmp_path / "csv" / "01-summary.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_json_is_one_document_and_nothing_else(run) -> None:  # type: ignore[no-untyped-def]
    document = json.loads(run("--from", "2026-11-01", "--to", "2026-11-15", "--json").stdout)
    assert (document["period_key"], document["since"]) == ("2026-11-01_2026-11-15", "2026-11-01")
    assert {"summary", "dossiers", "index-766", "nine-indices", "questions"} <= {s["id"] for s in document["sections"]}


def test_without_a_file_the_summary_is_printed(run) -> None:  # type: ignore[no-untyped-def]
    shown = run("--month", "2026-11").stdout
    assert "Hồ sơ giải quyết đúng hạn" in shown
    assert "Chưa xếp loại" in shown


def test_an_empty_installation_gets_a_report_that_says_so(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    done = run("--month", "2026-11", home=tmp_path / "empty")
    assert done.exit_code == 0
    for words in ("dưới 5 ý kiến", "không có hồ sơ nào trong kỳ", "chưa có lượt hỏi nào"):
        assert words in done.stdout
    assert run("--year", "2026", "--out", str(tmp_path / "empty.xlsx"), home=tmp_path / "empty").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--month", "2026-13"],
        ["--month", "2026-Q4"],
        ["--month", "2026-11", "--year", "2026"],
        ["--from", "2026-11-02"],
        ["--from", "2026-11-09", "--to", "2026-11-01"],
        ["--from", "hôm qua", "--to", "2026-11-01"],
        ["--from", "2020-01-01", "--to", "2026-11-01"],
        ["--month", "2026-11", "--out", "report.pdf"],
        ["--month", "2026-11", "--out", "/proc/none/report.xlsx"],
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    run, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("motcua: ")
    assert done.stderr.count("\n") == 1


def test_a_broken_file_of_the_office_is_named(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "agency-figures.yml").write_text("2026-Q4: {5: 7}", encoding="utf-8")
    done = run("--month", "2026-11", home=tmp_path)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("motcua: agency-figures.yml: 2026-Q4.5")
