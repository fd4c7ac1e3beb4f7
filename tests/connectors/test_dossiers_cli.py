"""``motcua dossiers …`` as an officer types it."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from actions.dossiers.changes import Seen
from actions.dossiers.dossier import Dossier, Found, Proof, State
from actions.dossiers.registry import Entry, Registry
from actions.dossiers.watching import Watches
from connectors import dossiers_cli
from connectors.dossiers_cli import app as dossiers
from connectors.outbox import Outbox
from knowledge.settings import ROOT, Settings

CSV = "Mã hồ sơ;Trạng thái;SĐT;Chủ hồ sơ\nH57.17.26-261110-0001;4;0912345678;Trần Thị Thử\nkhông mã;4;0911;Lê Văn Lộ\n"


@pytest.fixture
def installation(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", database_url=None)


@pytest.fixture
def run(installation: Settings) -> Any:
    whole = typer.Typer()
    whole.add_typer(dossiers, name="dossiers")

    @whole.callback()
    def main(context: typer.Context) -> None:
        context.obj = installation

    return lambda *arguments: CliRunner().invoke(whole, ["dossiers", *map(str, arguments)])


def test_import_reports_rows_and_bad_ones(run: Any, tmp_path: Path, installation: Settings) -> None:
    (tmp_path / "x.csv").write_text(CSV, encoding="utf-8")
    result = run("import", tmp_path / "x.csv")
    assert result.exit_code == 0
    assert result.stdout == "x.csv: 2 rows: 1 added, 0 changed, 0 unchanged, 0 older, 1 bad\n"
    assert "row 3: mã hồ sơ không đúng dạng" in result.stderr
    assert "Lộ" not in result.output
    assert isinstance(Registry.open(installation).find("H57.17.26-261110-0001", Proof("5678")), Found)


def test_json_is_one_document(run: Any, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(CSV, encoding="utf-8")
    document = json.loads(run("import", tmp_path / "x.csv", "--json", "--dry-run").stdout)
    (file,) = document["files"]
    assert (file["rows"], file["added"], file["bad"], file["dry_run"]) == (2, 1, 1, True)
    assert file["bad_rows"] == [{"row": 3, "reason": "mã hồ sơ không đúng dạng"}]
    assert json.loads(run("import", tmp_path / "x.csv", "--json").stdout)["files"][0]["added"] == 1


def test_the_sample_is_loaded_and_taken_out(run: Any) -> None:
    assert json.loads(run("import", "--sample", "--json").stdout)["files"][0]["added"] == 15
    assert json.loads(run("import", "--sample", "--json").stdout)["files"][0]["unchanged"] == 15
    assert run("remove-sample").stdout == "15 made-up dossiers removed\n"
    assert json.loads(run("remove-sample", "--json").stdout) == {"removed": 0}


def test_mistakes_end_with_one_line_and_code_2(run: Any, tmp_path: Path) -> None:
    nothing = run("import")
    assert (nothing.exit_code, nothing.stderr) == (2, "motcua: name a file, or --sample\n")
    missing = run("import", tmp_path / "no.csv")
    assert (missing.exit_code, "no.csv: No such file" in missing.stderr) == (2, True)
    failed = run("import", tmp_path / "no.csv", "--json")
    assert failed.exit_code == 2
    assert json.loads(failed.stdout)["failed"][0]["file"] == "no.csv"


def test_an_export_older_than_what_is_stored_changes_nothing(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps([{"MaHoSo": "H57.17.26-261110-0001", "TrangThaiHoSo": 9, "SoDienThoai": "0912345678"}]))
    assert run("import", file, "--as-of", "2026-11-12").exit_code == 0
    file.write_text(json.dumps([{"MaHoSo": "H57.17.26-261110-0001", "TrangThaiHoSo": 4, "SoDienThoai": "0912345678"}]))
    assert "1 older" in run("import", file, "--as-of", "2026-11-11T10:00").stdout
    assert "1 changed" in run("import", file, "--as-of", "2026-11-13").stdout


# -- watch --------------------------------------------------------------------------------------

CODE = "H57.17.26-261110-0001"
BEGUN = dt.datetime(2026, 11, 10, 9, 0)


@pytest.fixture
def watched(installation: Settings, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A dossier that was watched from the tenth and is finished now, on the twelfth."""
    registry = Registry.open(installation)
    registry.store([Entry(CODE, State.FINISHED)])
    seen = Seen.of(Dossier(CODE, State.PROCESSING, "", "", BEGUN), BEGUN)
    Watches(registry.engine, Outbox(registry.engine)).subscribe(CODE, "web", "someone", seen, BEGUN)
    monkeypatch.setattr(dossiers_cli, "vietnam_now", lambda: dt.datetime(2026, 11, 12, 10, 0))
    return registry


def test_one_round_puts_changes_into_the_outbox(run: Any, watched: Registry, installation: Settings) -> None:
    installation.dossier_collect_hours = "sáng thứ Ba"
    result = run("watch", "--once")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "2026-11-12 10:00:00 0 expired, 1 asked, 1 told, 0 unchanged, 0 ended, 0 unanswered, 0 put off, 0 lost; "
        "outbox: 1 waiting\n"
    )
    document = json.loads(run("watch", "--once", "--json").stdout)
    assert (document["at"], document["asked"], document["waiting"]) == ("2026-11-12 10:00:00", 0, 1)
    (message,) = Outbox(watched.engine).take(9, dt.datetime(2026, 11, 12, 10, 0))
    assert message.recipient == "someone"
    assert "“Đã xử lý xong”" in message.reply.text
    assert "sáng thứ Ba" in message.reply.text


def test_the_stand_in_takes_messages_out_and_says_so(run: Any, watched: Registry) -> None:
    document = json.loads(run("watch", "--once", "--json", "--log-only").stdout)
    assert (document["told"], document["logged"], document["waiting"]) == (1, 1, 0)
    assert "0 logged only, 0 waiting" in run("watch", "--once", "--log-only").stdout


def test_nothing_is_asked_at_night(run: Any, watched: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dossiers_cli, "vietnam_now", lambda: dt.datetime(2026, 11, 12, 22, 0))
    assert run("watch", "--once").stdout == "2026-11-12 22:00:00 night, nothing asked; outbox: 0 waiting\n"


def test_mistakes_of_watching_end_with_one_line_and_code_2(
    run: Any, watched: Registry, installation: Settings, tmp_path: Path
) -> None:
    result = run("watch", "--json")
    assert (result.exit_code, result.stderr) == (2, "motcua: --json needs --once\n")
    installation.dossier_systems = tmp_path / "no-such"
    result = run("watch", "--once")
    assert (result.exit_code, result.stderr) == (2, "motcua: no-such: no such folder of one-stop systems\n")
    installation.dossier_systems = None
    installation.database_url = "postgresql://postgres@127.0.0.1:9/none"
    result = run("watch", "--once")
    assert (result.exit_code, result.stderr) == (2, "motcua: the database does not answer: OperationalError\n")


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_goes_round_until_it_is_told_to_end(installation: Settings, sign: signal.Signals) -> None:
    environment = os.environ | {"MOTCUA_HOME": str(installation.home)}
    program = "import sys; from connectors.cli import app; app(sys.argv[1:])"
    command = [sys.executable, "-c", program, "dossiers", "watch", "--interval", "1"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(2)]
    process.send_signal(sign)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "stopped\n")
    assert all(re.match(r"2\d{3}-\d\d-\d\d .*outbox: 0 waiting\n", line) for line in lines), lines
