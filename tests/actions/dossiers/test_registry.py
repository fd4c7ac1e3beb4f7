"""The built-in registry on SQLite and on PostgreSQL: look-ups, proofs, and which report is newer."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.audit import AuditEntry  # noqa: F401 (declares its table)
from actions.dossiers import registry as module
from actions.dossiers.dossier import (
    Dossier,
    Found,
    NotFoundOrMismatch,
    NotThisSystem,
    Payment,
    Proof,
    State,
    Supplement,
    Unavailable,
)
from actions.dossiers.keys import ProofHashes, Pseudonyms
from actions.dossiers.registry import DossierRow, Entry, Outcome, Registry, RegistryAwayError, agency_part
from actions.dossiers.tries import DossierTry  # noqa: F401 (declares its table)
from actions.secret_key import installation_key
from knowledge.database import Base
from knowledge.settings import Settings
from tests.actions.dossiers.conftest import KEY

CODE = "H57.17.26-261110-0001"
DAY = dt.datetime(2026, 11, 10, 8, 30)


def entry(code: str = CODE, state: State | None = State.PROCESSING, **more: Any) -> Entry:
    return Entry(code, state, **({"as_of": DAY, "phone": "0912345678", "identity": "079203001234"} | more))


def found(registry: Registry, code: str = CODE) -> Dossier:
    result = registry.find(code, None)
    assert isinstance(result, Found)
    return result.dossier


# -- looking up ---------------------------------------------------------------------------------


def test_everything_that_is_stored_comes_back(registry: Registry) -> None:
    full = entry(
        state=State.PAYMENT,
        label="Chờ nộp thuế",
        procedure_code="1.001193",
        procedure_name="Đăng ký khai sinh",
        agency="UBND xã Mẫu",
        place="Bộ phận một cửa",
        channel="online",
        submitted_at=DAY,
        received_at=DAY,
        due_at=DAY + dt.timedelta(days=3),
        new_due_at=DAY + dt.timedelta(days=9),
        apology_sent=True,
        supplements=(Supplement(DAY, "Bản sao", DAY, DAY, DAY), Supplement(content="Tờ khai")),
        payment=Payment(50_000, "Lệ phí"),
        source="Hệ thống thử",
        as_of=DAY,
    )
    assert registry.store([full]) == [Outcome.ADDED]
    dossier = found(registry)
    for field in ("code", "state", "label", "procedure_code", "procedure_name", "agency", "place", "channel"):
        assert getattr(dossier, field) == getattr(full, field), field
    for field in ("submitted_at", "received_at", "due_at", "new_due_at", "supplements", "payment", "source"):
        assert getattr(dossier, field) == getattr(full, field), field
    assert (dossier.apology_sent, dossier.updated_at) == (True, DAY)
    assert abs(dossier.fetched_at - module.vietnam_now()) < dt.timedelta(minutes=1)


def test_payment_and_reason_are_told_only_while_they_matter(registry: Registry) -> None:
    registry.store([entry(state=State.PAYMENT, payment=Payment(5, "x"), reason="vì sao")])
    assert (found(registry).payment, found(registry).reason) == (Payment(5, "x"), "")
    registry.store([entry(state=State.STOPPED, as_of=DAY + dt.timedelta(days=1))])
    assert (found(registry).payment, found(registry).reason) == (None, "vì sao")


@pytest.mark.parametrize("digits", ["5678", "1234"])
def test_the_last_digits_of_either_number_prove(registry: Registry, digits: str) -> None:
    registry.store([entry()])
    assert isinstance(asyncio.run(registry.lookup(CODE, Proof(digits))), Found)


@pytest.mark.parametrize("digits", ["5679", "0000", "", "678", "45678", "079203001234", "５６７８", "12 4", "\x00"])
def test_anything_else_is_a_mismatch_like_an_unknown_code(registry: Registry, digits: str) -> None:
    registry.store([entry()])
    assert registry.find(CODE, Proof(digits)) == NotFoundOrMismatch()
    assert registry.find("H57.17.26-261110-9999", Proof(digits)) == NotFoundOrMismatch()
    assert registry.find("H57.17.26-261110-9999", None) == NotFoundOrMismatch()


@pytest.mark.parametrize("digits", ["", "0000", "5678"])
def test_a_dossier_without_numbers_is_open_to_staff_only(registry: Registry, digits: str) -> None:
    registry.store([entry(phone=None, identity=None)])
    assert registry.find(CODE, Proof(digits)) == NotFoundOrMismatch()
    assert isinstance(registry.find(CODE, None), Found)


def test_the_same_work_is_done_for_an_unknown_code_and_a_wrong_proof(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.store([entry()])
    registry.find(CODE, None)
    work: list[str] = []
    hashing = Pseudonyms.of
    monkeypatch.setattr(
        "actions.dossiers.keys.Pseudonyms.of", lambda self, *v: work.append("hash") or hashing(self, *v)
    )
    sa.event.listen(registry.engine, "before_cursor_execute", lambda *a: work.append("query"))
    for code in (CODE, "H57.17.26-261110-9999"):
        work.clear()
        assert registry.find(code, Proof("0000")) == NotFoundOrMismatch()
        assert work == ["query", "hash", "hash", "hash"], code


def test_numbers_and_digits_are_nowhere_in_the_database(registry: Registry) -> None:
    registry.store([entry()])
    with registry.engine.connect() as connection:
        row = connection.execute(sa.select(DossierRow.__table__)).one()
    stored = " ".join(map(str, row))
    for secret in ("0912345678", "079203001234", "'5678'", "'1234'"):
        assert secret not in stored
    assert len(row.phone_proof) == len(row.identity_proof) == 64
    assert "0912345678" not in repr(entry())
    assert "5678" not in repr(Proof("5678"))


def test_the_code_salts_the_hash_and_the_key_seals_it() -> None:
    hashes, others = ProofHashes(KEY), ProofHashes(b"another key")
    one = hashes.phone(CODE, "0912345678")
    assert one == hashes.phone(CODE, "+84 33 444 5678")
    assert one not in (hashes.phone(CODE + "1", "0912345678"), hashes.identity(CODE, "0912345678"))
    assert one != others.phone(CODE, "0912345678")
    assert hashes.phone(CODE, "12") is None


def test_a_database_that_does_not_answer_is_unavailable_and_no_code_is_logged(
    sqlite_registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    registry = sqlite_registry
    with registry.engine.begin() as connection:
        connection.execute(sa.text("drop table dossier"))
    assert isinstance(registry.find(CODE, Proof("5678")), Unavailable)
    with pytest.raises(RegistryAwayError) as raised:
        registry.store([entry()])
    assert CODE not in caplog.text + str(raised.value)
    assert caplog.text


def test_it_answers_for_the_agencies_it_holds_dossiers_of(registry: Registry) -> None:
    assert registry.covers(CODE)
    assert registry.find(CODE, Proof("5678")) == NotThisSystem()
    registry.store([entry(), entry("000.00.17.H57-231110-0001")])
    for code in ("H57.17.26-261124-0777", "000.00.17.H57-231110-0009"):
        assert registry.find(code, Proof("5678")) == NotFoundOrMismatch()
    for code in ("H57.17.2-261124-0001", "G22.99-261124-000001"):
        for proof in (Proof("5678"), None):
            assert registry.find(code, proof) == NotThisSystem()


@pytest.mark.parametrize(
    ("code", "covered"),
    [
        ("H57.17-261110-0001", True),
        ("H57.17.26-261110-0001", True),
        ("H57.171-261110-0001", False),
        ("H58.01-261110-0001", True),
        ("000.00.17.H58-261110-0001", True),
        ("G22.99-261110-000001", False),
    ],
)
def test_it_covers_the_agencies_it_is_told(registry: Registry, code: str, covered: bool) -> None:
    told = Registry(registry.engine, KEY, ["H57.17", "H58"])
    assert told.covers(code) is covered
    assert told.find(code, Proof("5678")) == NotFoundOrMismatch()


# -- storing ------------------------------------------------------------------------------------


def test_what_a_report_does_not_say_stays(registry: Registry) -> None:
    registry.store([entry(agency="Phòng A", due_at=DAY, supplements=(Supplement(content="Tờ khai"),))])
    registry.store([Entry(CODE, State.FINISHED, finished_at=DAY, as_of=DAY)])
    dossier = found(registry)
    assert (dossier.agency, dossier.due_at, len(dossier.supplements)) == ("Phòng A", DAY, 1)
    assert (dossier.state, dossier.label) == (State.FINISHED, "Đã xử lý xong")
    assert isinstance(registry.find(CODE, Proof("5678")), Found)


def test_the_same_again_changes_nothing(registry: Registry) -> None:
    entries = [entry(), entry("H57.17.26-261110-0002", supplements=(Supplement(DAY, "x"),), payment=Payment(1, "y"))]
    assert registry.store(entries) == [Outcome.ADDED] * 2
    before = [found(registry, e.code) for e in entries]
    assert registry.store(entries) == [Outcome.UNCHANGED] * 2
    after = [found(registry, e.code) for e in entries]
    assert [vars(d) | {"fetched_at": 0} for d in before] == [vars(d) | {"fetched_at": 0} for d in after]


def test_a_code_twice_in_one_batch_is_stored_in_order(registry: Registry) -> None:
    later = entry(state=State.FINISHED, as_of=DAY + dt.timedelta(days=2))
    assert registry.store([entry(), later, entry()]) == [Outcome.ADDED, Outcome.CHANGED, Outcome.OLDER]
    assert found(registry).state is State.FINISHED


def test_a_dry_run_changes_nothing(registry: Registry) -> None:
    assert registry.store([entry()], dry_run=True) == [Outcome.ADDED]
    assert registry.count() == 0


def test_a_report_without_a_state_only_moves_the_date_on(registry: Registry) -> None:
    line = Entry(CODE, None, updated_at=DAY + dt.timedelta(days=1))
    assert registry.store([line]) == [Outcome.MISSING]
    assert registry.count() == 0
    registry.store([entry()])
    assert registry.store([line, line]) == [Outcome.CHANGED, Outcome.OLDER]
    assert (found(registry).state, found(registry).updated_at) == (State.PROCESSING, DAY + dt.timedelta(days=1))


def test_long_and_odd_texts_fit(registry: Registry) -> None:
    registry.store([entry(label="x" * 999, agency="y" * 9_999, procedure_code="z" * 99, procedure_name="")])
    dossier = found(registry)
    assert (len(dossier.label), len(dossier.agency), len(dossier.procedure_code or "")) == (200, 300, 40)


def test_the_sample_can_be_taken_out(registry: Registry) -> None:
    registry.store([entry()], sample=True)
    registry.store([entry("H57.17.26-261110-0002")])
    assert (registry.count(sample=True), registry.count()) == (1, 2)
    assert registry.remove_sample() == 1
    assert registry.count() == 1


NOON, MIDNIGHT = dt.datetime(2026, 11, 12, 12), dt.datetime(2026, 11, 12)
HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("stored", "reported", "newer"),
    [
        ((State.PROCESSING, NOON), (State.SUPPLEMENT, NOON + HOUR), True),
        ((State.SUPPLEMENT, NOON), (State.PROCESSING, NOON + HOUR), True),
        ((State.FINISHED, NOON), (State.PROCESSING, NOON + HOUR), True),  # taken up again
        ((State.FINISHED, NOON), (State.PROCESSING, NOON - HOUR), False),
        ((State.FINISHED, NOON), (State.RECEIVED, NOON - dt.timedelta(days=2)), False),
        ((State.RETURNED, NOON), (State.RETURNED, NOON - dt.timedelta(days=2)), False),
        ((State.PROCESSING, NOON), (State.FINISHED, MIDNIGHT), True),  # the day, without the time
        ((State.FINISHED, MIDNIGHT), (State.PROCESSING, NOON), False),
        ((State.PROCESSING, NOON), (State.PROCESSING, NOON), True),
        ((State.PROCESSING, NOON), (State.RECEIVED, NOON), False),
        ((State.PROCESSING, NOON), (State.FINISHED, None), True),
        ((State.FINISHED, NOON), (State.PROCESSING, None), False),
        ((State.FINISHED, None), (State.RECEIVED, NOON), False),
        ((State.RECEIVED, None), (State.FINISHED, NOON), True),
    ],
)
def test_older_reports_do_not_overwrite_newer_ones(
    registry: Registry,
    stored: tuple[State, dt.datetime | None],
    reported: tuple[State, dt.datetime | None],
    newer: bool,
) -> None:
    registry.store([entry(state=stored[0], as_of=stored[1])])
    (outcome,) = registry.store([entry(state=reported[0], as_of=reported[1])])
    assert found(registry).state is (reported[0] if newer else stored[0])
    assert (outcome is not Outcome.OLDER) is newer


_MOMENTS = st.sampled_from([None, MIDNIGHT, NOON, NOON + HOUR, MIDNIGHT + dt.timedelta(days=1), NOON - 24 * HOUR])
_REPORTS = st.lists(st.tuples(st.sampled_from(list(State)), _MOMENTS), min_size=1, max_size=6)


@given(_REPORTS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_told_of_a_report_is_what_the_statement_did(
    registry: Registry, reports: list[tuple[State, dt.datetime | None]]
) -> None:
    with registry.engine.begin() as connection:
        connection.execute(sa.delete(DossierRow))
    for number, (state, as_of) in enumerate(reports):
        (outcome,) = registry.store([entry(state=state, as_of=as_of, agency=f"report {number}")])
        took = found(registry).agency == f"report {number}"
        assert took is (outcome is not Outcome.OLDER)


@given(st.permutations([(State.RECEIVED, 10), (State.PROCESSING, 11), (State.SUPPLEMENT, 12), (State.FINISHED, 13)]))
@settings(max_examples=24, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_dated_reports_end_in_the_same_state_in_any_order(
    sqlite_registry: Registry, order: list[tuple[State, int]]
) -> None:
    with sqlite_registry.engine.begin() as connection:
        connection.execute(sa.delete(DossierRow))
    for state, day in [*order, *order]:
        sqlite_registry.store([entry(state=state, as_of=dt.datetime(2026, 11, day, 9))])
    assert found(sqlite_registry).state is State.FINISHED


def test_writers_at_the_same_time_leave_the_newest(registry: Registry) -> None:
    failures: list[Exception] = []

    def write(worker: int) -> None:
        try:
            for step in range(8):
                as_of = DAY + dt.timedelta(hours=step * 4 + worker)
                batch = [entry(f"H57.17.26-261110-{n:04d}", as_of=as_of, agency=f"{as_of}") for n in range(20)]
                registry.store(batch if worker % 2 else batch[::-1][:19] + batch[:1])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    newest = str(DAY + dt.timedelta(hours=31))
    assert {found(registry, f"H57.17.26-261110-{n:04d}").agency for n in range(20)} == {newest}


# -- the schema ---------------------------------------------------------------------------------


def test_the_migration_makes_the_tables_that_the_models_declare(registry: Registry) -> None:
    ours = {"dossier", "dossier_try", "audit"}
    with registry.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    flat = [d for group in differences for d in (group if isinstance(group, list) else [group])]
    assert not [d for d in flat if ours & {str(getattr(part, "name", part)) for part in d}]
    assert ours <= set(Base.metadata.tables)


def test_a_look_up_goes_by_the_index(sqlite_registry: Registry) -> None:
    with sqlite_registry.engine.connect() as connection:
        plan = connection.execute(sa.text("explain query plan select * from dossier where code = 'x'")).all()
    assert "USING INDEX" in str(plan)


# -- the key ------------------------------------------------------------------------------------


def test_processes_that_start_at_once_get_one_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(installation_key(tmp_path / "home"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    assert (tmp_path / "home" / "secret.key").stat().st_mode & 0o077 == 0


def test_agency_parts() -> None:
    assert agency_part("000.A0.01.H26-210212-9090") == "000.A0.01.H26"


def test_connecting_by_settings(tmp_path: Path) -> None:
    home = Settings(home=tmp_path / "home", database_url=None)
    opened = Registry.open(home)
    opened.store([entry()])
    again = Registry.open(home)
    assert isinstance(again.find(CODE, Proof("5678")), Found)
