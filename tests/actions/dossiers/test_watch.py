"""Rounds of asking: polite, silent when there is nothing to say, and each change told once whatever breaks."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.dossiers.adapters.reading import UNREADABLE
from actions.dossiers.dossier import (
    Dossier,
    Found,
    NotFoundOrMismatch,
    NotThisSystem,
    RateLimited,
    Result,
    State,
    Unavailable,
)
from actions.dossiers.explanation import explain
from actions.dossiers.pace import Pace, is_daytime
from actions.dossiers.watch import Round, poll
from actions.dossiers.watching import MOST_DAYS, Watches
from actions.dossiers.working_days import is_working_day, working_minutes
from actions.replies import Reply
from connectors.outbox import Outbox
from knowledge.database import connect, migrate
from knowledge.settings import ROOT
from tests.actions.dossiers.watched import (
    DUE,
    NOW,
    WEEK,
    Scripted,
    all_in,
    code,
    dossier,
    empty,
    messages,
    rows,
    subscribe,
    watches_on,
)

SILENT = Unavailable("no answer")


@pytest.fixture(autouse=True)
def _empty(request: pytest.FixtureRequest) -> None:
    if "engine" in request.fixturenames:
        empty(request.getfixturevalue("engine"))


@pytest.fixture
def watches(engine: sa.Engine) -> Watches:
    return watches_on(engine)


def go(watches: Watches, systems: Any, now: dt.datetime = DUE, **more: Any) -> Round:
    return asyncio.run(poll(watches, systems, now, **more))


# -- what is told -------------------------------------------------------------------------------


def test_a_change_is_told_once_with_the_explanation(watches: Watches, engine: sa.Engine) -> None:
    subscribe(watches, recipient="r")
    assert go(watches, all_in(State.PROCESSING)) == Round(asked=1, unchanged=1)
    assert messages(engine) == []
    assert go(watches, all_in(State.FINISHED), DUE + WEEK) == Round(asked=1, told=1)
    ((who, text),) = messages(engine)
    head, _, rest = text.partition("\n\n")
    assert (who, head) == (
        "r",
        "Tin anh/chị nhờ báo: hồ sơ chuyển từ “Đang xử lý” sang “Đã xử lý xong”.",
    )
    assert rest.startswith(explain(dossier(state=State.FINISHED), DUE + WEEK).text)
    assert rest.endswith("anh/chị nhắn “thôi đừng báo nữa”.")
    assert go(watches, all_in(State.FINISHED), DUE + 2 * WEEK) == Round(asked=1, unchanged=1)
    assert len(messages(engine)) == 1


def test_the_message_is_a_reply_that_channels_can_draw(watches: Watches, engine: sa.Engine) -> None:
    subscribe(watches, recipient="r")

    def tell(dossier: Dossier, now: dt.datetime) -> Reply:
        return Reply(text="giải thích", status="dossier_found", procedure_code="1.001612", card={"kind": "dossier"})

    go(watches, all_in(State.FINISHED), tell=tell)
    (message,) = Outbox(engine).take(9, DUE)
    assert (message.channel, message.recipient, message.reply.card) == ("web", "r", {"kind": "dossier"})
    assert message.reply.text.split("\n\n")[1] == "giải thích"
    assert [option.payload for option in message.reply.options] == ["thôi đừng báo nữa"]


@pytest.mark.parametrize("state", [State.RETURNED, State.WITHDRAWN, State.NOT_ACCEPTED])
def test_the_last_change_is_told_and_ends_the_subscription(watches: Watches, engine: sa.Engine, state: State) -> None:
    subscribe(watches)
    assert go(watches, all_in(state)) == Round(asked=1, told=1, ended=1)
    ((_, text),) = messages(engine)
    assert "Đây là tin cuối" in text
    assert watches.count() == 0


def test_a_stopped_dossier_may_go_on_and_stays_watched(watches: Watches) -> None:
    subscribe(watches)
    assert go(watches, all_in(State.STOPPED)) == Round(asked=1, told=1)
    assert watches.count() == 1


def test_there_and_back_are_two_changes(watches: Watches, engine: sa.Engine) -> None:
    subscribe(watches)
    for number, state in enumerate([State.SUPPLEMENT, State.PROCESSING, State.SUPPLEMENT]):
        assert go(watches, all_in(state), DUE + number * WEEK).told == 1
    assert len(messages(engine)) == 3


def test_after_its_days_nothing_is_asked(watches: Watches, engine: sa.Engine) -> None:
    subscribe(watches)
    systems = all_in(State.FINISHED)
    assert go(watches, systems, NOW + dt.timedelta(days=MOST_DAYS)) == Round(expired=1)
    assert (systems.asked, messages(engine)) == ([], [])


# -- when and how much is asked -----------------------------------------------------------------


@pytest.mark.parametrize("hour", [0, 5, 6, 20, 23])
def test_at_night_nothing_is_asked_told_or_sent(watches: Watches, engine: sa.Engine, hour: int) -> None:
    subscribe(watches)
    subscribe(watches, 2)
    night = (DUE + dt.timedelta(days=1)).replace(hour=hour, minute=59 if hour in (5, 6) else 0)
    systems = all_in(State.FINISHED)
    assert go(watches, systems, night) == Round(night=True)
    assert (systems.asked, messages(engine)) == ([], [])
    go(watches, systems)  # by day; but the channel was away until night
    assert Outbox(engine).take(9, night) == []
    assert len(Outbox(engine).take(9, night.replace(hour=9) + dt.timedelta(days=1))) == 2


@pytest.mark.parametrize(("moment", "day"), [("06:59", False), ("07:00", True), ("19:59", True), ("20:00", False)])
def test_the_day(moment: str, day: bool) -> None:
    assert is_daytime(dt.datetime.fromisoformat(f"2026-08-03T{moment}")) is day


moments = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 31))


@settings(deadline=None, derandomize=True)
@given(moments, st.integers(0, 12))
def test_the_next_time_is_by_day_on_a_working_day_and_late_enough(now: dt.datetime, failures: int) -> None:
    at = Pace().next_at(now, failures)
    assert is_daytime(at)
    assert is_working_day(at.date())
    times = {0: 1, 1: 1, 2: 2, 3: 4}.get(failures, 6)
    assert working_minutes(now, at) >= 240 * times - 1
    assert at <= now + dt.timedelta(days=20)


def test_what_began_at_one_time_is_spread(engine: sa.Engine, watches: Watches) -> None:
    for number in range(20):
        subscribe(watches, number)
    starts = {str(row["next_at"]) for row in rows(engine)}
    assert len(starts) == 20
    go(watches, all_in(State.PROCESSING))
    assert len({str(row["next_at"]) for row in rows(engine)}) == 20


def test_one_system_is_asked_one_thing_at_a_time_and_several_at_once(engine: sa.Engine) -> None:
    watches = watches_on(engine)
    for number in range(6):
        subscribe(watches, number)
    systems = all_in(State.PROCESSING)
    go(watches, systems)
    assert systems.most_at_once == 1
    for number in range(6):
        subscribe(watches, number, f"s{number}", agency="H17.02")
    systems = all_in(State.PROCESSING)
    go(watches, systems, DUE + WEEK)
    assert (len(systems.asked), systems.most_at_once) == (12, 2)


def test_a_round_asks_only_so_much(engine: sa.Engine) -> None:
    watches = watches_on(engine, per_round=5, per_system=3)
    for number in range(8):
        subscribe(watches, number)
        subscribe(watches, number, f"s{number}", agency="H17.02")
    systems = all_in(State.PROCESSING)
    assert go(watches, systems).asked == 5
    assert max(sum(one.startswith(h) for one in systems.asked) for h in ("H57", "H17")) == 3


# -- systems in trouble -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "result", [SILENT, NotFoundOrMismatch(), NotThisSystem(), RateLimited(60), Unavailable(UNREADABLE)]
)
def test_the_citizen_hears_nothing_of_trouble_and_the_system_is_asked_less(
    watches: Watches, engine: sa.Engine, result: Result
) -> None:
    subscribe(watches)
    now, waits = DUE, []
    for number in range(5):
        assert go(watches, Scripted(result), now) == Round(asked=1, unanswered=1)
        (row,) = rows(engine)
        assert row["failures"] == number + 1
        following = _moment(row["next_at"])
        waits.append(working_minutes(now, following))
        now = following
    assert messages(engine) == []
    assert [round(wait / 240) for wait in waits] == [1, 2, 4, 6, 6]
    assert go(watches, all_in(State.FINISHED), now).told == 1
    assert rows(engine)[0]["failures"] == 0


def _moment(stored: object) -> dt.datetime:
    """A moment up to the whole minute, not before it is due."""
    moment = dt.datetime.fromisoformat(str(stored))
    return moment.replace(second=0, microsecond=0) + dt.timedelta(minutes=1)


def test_a_system_that_says_wait_is_left_alone_so_long(watches: Watches, engine: sa.Engine) -> None:
    subscribe(watches)
    subscribe(watches, 2)
    systems = Scripted(RateLimited(3 * 86_400))
    assert go(watches, systems) == Round(asked=1, unanswered=1, put_off=1)
    assert _moment(rows(engine)[0]["next_at"]) > DUE + dt.timedelta(days=3)


def test_a_system_that_does_not_answer_is_not_asked_on_while_others_are(watches: Watches) -> None:
    for number in range(9):
        subscribe(watches, number)
        subscribe(watches, number, f"s{number}", agency="H17.02")
    systems = Scripted(lambda code: SILENT if code.startswith("H57") else Found(dossier()))
    assert go(watches, systems) == Round(asked=3 + 9, unchanged=9, unanswered=3, put_off=6)


def test_one_odd_dossier_does_not_keep_the_others_from_being_asked(watches: Watches) -> None:
    for number in range(6):
        subscribe(watches, number)
    odd = {code(n): Unavailable(UNREADABLE) for n in range(4)}
    systems = Scripted(Found(dossier()), odd)
    assert go(watches, systems) == Round(asked=6, unchanged=2, unanswered=4)


def test_a_dossier_that_cannot_be_explained_holds_up_nobody_and_is_not_logged(
    watches: Watches, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        subscribe(watches, number)

    def tell(dossier: Dossier, now: dt.datetime) -> Reply:
        if dossier.code == code(1):
            raise ValueError(dossier.code)
        return Reply(text="x", status="dossier_found")

    assert go(watches, all_in(State.FINISHED), tell=tell) == Round(asked=3, told=2, unanswered=1)
    assert "cannot be explained" in caplog.text
    assert code(1) not in caplog.text


def test_logs_name_neither_codes_nor_recipients(watches: Watches, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    subscribe(watches, recipient="someone-in-particular")
    go(watches, all_in(State.FINISHED))
    go(watches, Scripted(SILENT), DUE + WEEK)
    assert "someone-in-particular" not in caplog.text
    assert code() not in caplog.text


def test_who_stops_while_the_system_is_asked_hears_nothing(watches: Watches, engine: sa.Engine) -> None:
    subscribe(watches, recipient="r")

    def answer(asked: str) -> Result:
        watches.unsubscribe("web", "r")
        return Found(dossier(state=State.FINISHED))

    assert go(watches, Scripted(answer)) == Round(asked=1, lost=1)
    assert messages(engine) == []


# -- told once, whatever breaks -----------------------------------------------------------------


class Breaking(Outbox):
    """An outbox that breaks after it has put a message in, while told to."""

    broken = True

    def put(self, connection: sa.Connection, **message: Any) -> bool:
        super().put(connection, **message)
        if self.broken:
            raise sa.exc.OperationalError("broken", {}, Exception())
        return True


def test_a_break_between_message_and_note_leaves_neither(engine: sa.Engine) -> None:
    outbox = Breaking(engine)
    watches = Watches(engine, outbox)
    subscribe(watches)
    with pytest.raises(sa.exc.OperationalError):
        go(watches, all_in(State.FINISHED))
    assert messages(engine) == []
    outbox.broken = False
    assert go(watches, all_in(State.FINISHED)) == Round(), "the lease still runs"
    assert go(watches, all_in(State.FINISHED), DUE + watches.pace.lease).told == 1
    assert go(watches, all_in(State.FINISHED), DUE + WEEK).told == 0
    assert len(messages(engine)) == 1


def test_one_systems_break_does_not_cut_short_another(engine: sa.Engine) -> None:
    watches = watches_on(engine)
    subscribe(watches)
    for number in range(4):
        subscribe(watches, number, f"s{number}", agency="H17.02")

    def answer(asked: str) -> Result:
        if asked.startswith("H57"):
            raise RuntimeError("a broken promise")
        return Found(dossier(state=State.FINISHED))

    with pytest.raises(RuntimeError):
        go(watches, Scripted(answer))
    assert len(messages(engine)) == 4


ENDED = (State.RETURNED, State.WITHDRAWN, State.NOT_ACCEPTED)
CHANGES = st.sampled_from([state for state in State if state not in ENDED])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["well", "well", "break", "twice"]), CHANGES),
    st.tuples(st.just("silent"), CHANGES),
    st.tuples(st.just("well"), st.sampled_from(ENDED)),
)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=8))
def test_exactly_the_changes_are_told_whatever_happens_between(tmp_path: Path, steps: list[Any]) -> None:
    engine = connect(f"sqlite:///{tmp_path}/watch.db")
    migrate(engine)
    empty(engine)
    outbox = Breaking(engine)
    watches = Watches(engine, outbox)
    subscribe(watches)
    known, expected = State.PROCESSING, []
    for number, (how, state) in enumerate(steps):
        outbox.broken = how == "break"
        systems = Scripted(SILENT) if how == "silent" else all_in(state)
        for _ in range(2 if how == "twice" else 1):
            with suppress(sa.exc.OperationalError):
                go(watches, systems, DUE + number * WEEK)
        if how in ("well", "twice") and known not in ENDED and known is not state:
            expected.append(state)
            known = state
    told = [text.split("\n")[0].split("sang “")[1].rstrip("”.") for _, text in messages(engine)]
    assert told == [explain(dossier(state=one), NOW).title for one in expected]
    engine.dispose()


_PROCESS = """
import asyncio, datetime as dt, json, os, pathlib, signal, sys
from actions.dossiers.pace import Pace
from actions.dossiers.watch import poll
from actions.dossiers.watching import Watches
from connectors.outbox import Outbox
from knowledge.database import connect
from tests.actions.dossiers.watched import DUE, State, all_in

url, dies, after, lease_s = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
meeting = pathlib.Path(sys.argv[5]) if len(sys.argv) > 5 else None
engine = connect(url)
count = 0

def die(where):
    global count
    count += where == dies
    if count > after:
        os.kill(os.getpid(), signal.SIGKILL)

class Dying(Outbox):
    def put(self, connection, **message):
        done = super().put(connection, **message)
        die("in the transaction")
        return done

class DyingWatches(Watches):
    def told(self, *arguments):
        done = super().told(*arguments)
        die("after the transaction")
        return done

systems = all_in(State.FINISHED)
ask = systems.lookup

async def both_at_work():
    (meeting / str(os.getpid())).touch()
    while len(list(meeting.iterdir())) < 2:
        await asyncio.sleep(0.01)

async def lookup(code, proof):
    await asyncio.sleep(0.01)
    if meeting:
        await both_at_work()
    die("while asking")
    return await ask(code, proof)

systems.lookup = lookup
watches = DyingWatches(engine, Dying(engine), Pace(per_round=10, per_system=10, lease_s=lease_s))
print("ready", flush=True)
sys.stdin.readline()
asked = told = lost = 0
# Who claims at the very moment that the other does may get nothing; it asks again while the other waits for it.
while (done := asyncio.run(poll(watches, systems, DUE))).asked or meeting and len(list(meeting.iterdir())) < 2:
    asked, told, lost = asked + done.asked, told + done.told, lost + done.lost
print(json.dumps([asked, told, lost]))
"""


def _process(
    url: str, dies: str = "never", after: int = 0, lease_s: int = 600, meeting: Path | None = None
) -> subprocess.Popen[str]:
    """A watcher; with a ``meeting`` folder it waits, holding its first claims, until a second one is there too."""
    command = [sys.executable, "-c", _PROCESS, url, dies, str(after), str(lease_s)] + (
        [str(meeting)] if meeting else []
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    return subprocess.Popen(command, **pipes)


def _run(*processes: subprocess.Popen[str]) -> list[str]:
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0] for process in processes]


@pytest.mark.parametrize("dies", ["while asking", "in the transaction", "after the transaction"])
def test_a_process_that_is_killed_tells_nothing_twice_and_loses_nothing(
    database_url: str, engine: sa.Engine, watches: Watches, dies: str
) -> None:
    for number in range(24):
        subscribe(watches, number)
    process = _process(database_url, dies, after=13)
    _run(process)
    assert process.returncode == -signal.SIGKILL
    before = messages(engine)
    assert len(before) == {"while asking": 13, "in the transaction": 13, "after the transaction": 14}[dies]
    done = [go(watches, all_in(State.FINISHED), DUE + minutes * watches.pace.lease) for minutes in (0, 1, 2)]
    assert done[0].told == 4, "what the dead process had not taken"
    assert [who for who, _ in messages(engine)][: len(before)] == [who for who, _ in before]
    assert sorted(who for who, _ in messages(engine)) == sorted(f"r{number}" for number in range(24))
    assert go(watches, all_in(State.FINISHED), DUE + WEEK).told == 0


def test_two_processes_at_once_tell_each_change_once(
    database_url: str, engine: sa.Engine, watches: Watches, tmp_path: Path
) -> None:
    for number in range(60):
        subscribe(watches, number)
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    done = [json.loads(line) for line in _run(*(_process(database_url, meeting=meeting) for _ in range(2)))]
    assert [sum(counts) for counts in zip(*done, strict=True)] == [60, 60, 0]
    assert all(counts[0] for counts in done), "each held claims while the other did"
    assert sorted(who for who, _ in messages(engine)) == sorted(f"r{number}" for number in range(60))


def test_processes_that_take_each_others_claims_tell_each_change_once(
    database_url: str, engine: sa.Engine, watches: Watches
) -> None:
    """The lease is over at once, as when a process was stopped for long and goes on."""
    for number in range(30):
        subscribe(watches, number)
    _run(_process(database_url, lease_s=0), _process(database_url, lease_s=0))
    assert sorted(who for who, _ in messages(engine)) == sorted(f"r{number}" for number in range(30))
