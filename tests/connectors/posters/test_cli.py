"""``motcua qr``: files, choices, and mistakes in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from connectors.cli import app
from knowledge.catalogue import Catalogue
from knowledge.procedure import Level, Procedure
from knowledge.settings import Settings

URL = "https://motcua.example.vn"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with three procedures, and the current folder."""
    home = tmp_path / "home"
    monkeypatch.setenv("MOTCUA_PUBLIC_URL", URL)
    monkeypatch.setenv("MOTCUA_COMMUNE", "Xã Tân Lập")
    monkeypatch.chdir(tmp_path)
    Catalogue.open(Settings(home=home)).import_records(
        "test",
        "office",
        [
            Procedure(code="1.001193", name="Đăng ký khai sinh", field="Hộ tịch", levels=[Level.COMMUNE]),
            Procedure(code="1.000894", name="Đăng ký kết hôn", field="Hộ tịch", levels=[Level.COMMUNE]),
            Procedure(code="1.012753", name="Đăng ký đất đai", field="Đất đai", levels=[Level.PROVINCE]),
        ],
    )
    return home


def qr(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--home", str(home), "qr", *arguments])


def test_one_poster_is_a_pdf_here(home: Path, tmp_path: Path) -> None:
    assert qr(home, "procedure", "1.001193").exit_code == 0
    assert (tmp_path / "1.001193.pdf").read_bytes().startswith(b"%PDF")


def test_all_of_a_field_are_pages_of_one_pdf(home: Path, tmp_path: Path) -> None:
    assert qr(home, "procedure", "--field", "ho tich", "--size", "a5", "--out", "ho-tich.pdf").exit_code == 0
    assert (tmp_path / "ho-tich.pdf").read_bytes().count(b"/Type /Page\n") == 2


def test_all_of_the_commune_as_files_in_a_folder(home: Path, tmp_path: Path) -> None:
    assert qr(home, "procedure", "--all", "--format", "svg", "--out", "to-dan").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "to-dan").iterdir()) == ["1.000894.svg", "1.001193.svg"]


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["dossiers"], "tra-cuu-ho-so.pdf"),
        (["chat", "--telegram", "@motcua_bot", "--out", "a.svg"], "a.svg"),
        (["survey", "service"], "khao-sat-service.pdf"),
        (["survey", "poll", "--office", "phường láng", "--size", "A5"], "khao-sat-poll.pdf"),
    ],
)
def test_the_other_posters(home: Path, tmp_path: Path, arguments: list[str], file: str) -> None:
    result = qr(home, *arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == file
    assert (tmp_path / file).stat().st_size > 5_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["procedure"], "name procedure codes"),
        (["procedure", "1.001193", "--all"], "name procedure codes"),
        (["procedure", "9.999999"], "no procedure 9.999999"),
        (["procedure", "--field", "hải quan"], "no commune-level procedure"),
        (["survey", "answer"], "no survey 'answer'"),
        (["survey", "poll", "--office", "Công ty X"], "is no commune"),
        (["chat", "--url", "motcua.vn"], "is no address"),
        (["chat", "--url", "ftp://motcua.vn"], "is no address"),
        (["chat", "--out", "a.svg", "--format", "pdf"], "does not fit"),
        (["procedure", "--all", "--out", "a.svg"], "an SVG holds one poster"),
        (["chat", "--out", "nowhere/a.pdf"], "cannot write"),
    ],
)
def test_mistakes_are_one_line(home: Path, arguments: list[str], said: str) -> None:
    result = qr(home, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_without_a_public_address_it_says_how_to_give_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTCUA_PUBLIC_URL")
    result = qr(home, "chat")
    assert result.exit_code == 2
    assert "MOTCUA_PUBLIC_URL" in result.stderr
    assert "--url" in result.stderr
    assert qr(home, "chat", "--url", URL).exit_code == 0
