"""``motcua outbox`` and ``motcua channels`` as an operator uses them, and the switch across processes."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from actions.dossiers.reading import vietnam_now
from actions.replies import Reply
from connectors import channel_switch
from connectors.channel_switch import ChannelSwitch
from connectors.cli import app
from connectors.outbox import Outbox
from knowledge.database import connect, migrate
from knowledge.settings import Settings

NOW = dt.datetime(2026, 8, 3, 9)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def outbox(home: Path) -> Outbox:
    """Two dead letters and one that waits."""
    engine = connect(Settings(home=home).database)
    migrate(engine)
    outbox, reply = Outbox(engine), Reply(text="tin riêng", status="answered")
    for number in (1, 2, 3):
        with engine.begin() as connection:
            outbox.put(
                connection, channel="zalo", recipient=f"người-{number}", reply=reply, dedupe_key=str(number), now=NOW
            )
    for message in outbox.take(2, NOW):
        outbox.failed(message.id, "blocked by the recipient", None)
    return outbox


def run(home: Path, *args: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["--home", str(home), *args])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def test_counts_and_dead_letters_without_texts_and_recipients(home: Path, outbox: Outbox) -> None:
    assert json.loads(run(home, "outbox", "list", "--json")) == {"zalo": {"waiting": 1, "sent": 0, "dead": 2}}
    letters = json.loads(run(home, "outbox", "dead", "--json"))
    assert [(one["id"], one["reason"], one["attempts"]) for one in letters] == [
        (2, "blocked by the recipient", 1), (1, "blocked by the recipient", 1)
    ]  # fmt: skip
    for shown in (run(home, "outbox", "list"), run(home, "outbox", "dead"), json.dumps(letters)):
        assert "người" not in shown
        assert "tin riêng" not in shown


def test_dead_letters_are_tried_again_or_dropped(home: Path, outbox: Outbox) -> None:
    assert json.loads(run(home, "outbox", "retry", "1", "--json")) == {"retried": 1, "not_found": 0}
    assert [message.attempt for message in outbox.take(9, vietnam_now())] == [1, 1]
    assert "1 dropped" in run(home, "outbox", "drop", "2")
    assert outbox.counts() == {"waiting": 2, "sent": 0, "dead": 0}


def test_wrong_ids_end_with_one_line(home: Path, outbox: Outbox) -> None:
    assert "1 of these ids" in run(home, "outbox", "retry", "1", "99", code=1)
    run(home, "outbox", "drop", "x", code=2)
    run(home, "outbox", "drop", str(2**70), code=2)


def test_a_channel_is_stopped_with_a_reason_and_started(home: Path) -> None:
    run(home, "channels", "stop", "zalo", code=2)
    assert "a reason" in run(home, "channels", "stop", "zalo", "--reason", " ", code=2)
    assert "no channel 'fax'" in run(home, "channels", "stop", "fax", "--reason", "x", code=2)
    assert "notice" in run(home, "channels", "stop", "zalo", "--reason", "x", "--notice", " ", code=2)
    stopped = json.loads(run(home, "channels", "stop", "zalo", "--reason", "sai phí", "--notice", "Nghỉ.", "--json"))
    assert (stopped["state"], stopped["reason"], stopped["notice"]) == ("stopped", "sai phí", "Nghỉ.")
    states = {one["channel"]: one["state"] for one in json.loads(run(home, "channels", "--json"))}
    assert states == {"telegram": "running", "web": "running", "zalo": "stopped"}
    assert "sai phí" in run(home, "channels")
    assert "zalo is running" in run(home, "channels", "start", "zalo")
    assert "was not stopped" in run(home, "channels", "start", "zalo")


def test_a_database_that_is_away_is_one_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTCUA_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    assert "the database does not answer" in run(home, "outbox", "list", code=2)


def test_other_processes_follow_within_seconds(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(channel_switch.time, "monotonic", lambda: clock[0])
    here, there = ChannelSwitch(engine), ChannelSwitch(engine)
    assert there.stopped("zalo") is None
    here.stop("zalo", "sai phí", "lan", now=NOW)
    clock[0] += channel_switch.LOOK_S + 0.1
    seen = there.stopped("zalo")
    assert seen and (seen.by, seen.since, seen.notice) == ("lan", NOW, None)
    here.stop("zalo", "vẫn sai", "minh", "Nghỉ.", now=NOW + dt.timedelta(hours=2))
    assert here.stops()["zalo"].since == NOW, "stopped since then, whatever the reason now"
    assert here.start("zalo")
    clock[0] += channel_switch.LOOK_S + 0.1
    assert there.stopped("zalo") is None
    assert channel_switch.LOOK_S <= 5
