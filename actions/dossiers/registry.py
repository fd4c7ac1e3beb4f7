"""The built-in registry: a table of dossiers that an office fills, and the adapter that looks into it.

It holds no names, numbers or addresses of persons; the second factor is there as keyed hashes only (what these can
protect is said in :mod:`actions.dossiers.keys`). It is filled from files (:mod:`actions.dossiers.importing`) and by
the one-stop system's own messages (:mod:`actions.dossiers.sync`), both as :class:`Entry`.

Which of two reports of a dossier is newer: the one that vouches for a later moment (``as_of``). Systems often give a
day without the time, or nothing: where the moments cannot tell, a dossier only moves forward through its stages.
Older reports change nothing. The rule is applied inside the statement that writes, so that several processes may
write at once.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    SmallInteger,
    String,
    Text,
    and_,
    case,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from actions.dossiers.dossier import (
    Dossier,
    Found,
    NotFoundOrMismatch,
    NotThisSystem,
    Payment,
    Proof,
    Result,
    State,
    Supplement,
    Unavailable,
)
from actions.dossiers.keys import ProofHashes
from actions.dossiers.reading import LABELS, vietnam_now
from actions.secret_key import installation_key
from knowledge.database import Base, connect, migrate
from knowledge.settings import Settings

logger = logging.getLogger(__name__)

DEFAULT_SOURCE = "sổ hồ sơ một cửa"
_AGENCIES_FRESH_S = 60.0

_STAGES = {
    State.REGISTERED: 0,
    State.RECEIVED: 1,
    State.PROCESSING: 2,
    State.SUPPLEMENT: 2,
    State.PAYMENT: 2,
    State.UNKNOWN: 2,
    State.NOT_ACCEPTED: 3,
    State.WITHDRAWN: 3,
    State.STOPPED: 3,
    State.FINISHED: 3,
    State.RETURNED: 4,
}
"""How far along a dossier is; states of one stage may follow each other in any order."""


class DossierRow(Base):
    """A dossier as last reported. What no report has said is NULL."""

    __tablename__ = "dossier"
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    agency_code: Mapped[str] = mapped_column(String(40), index=True)
    state: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(200))
    stage: Mapped[int] = mapped_column(SmallInteger)
    procedure_code: Mapped[str | None] = mapped_column(String(40))
    procedure_name: Mapped[str | None] = mapped_column(Text)
    field: Mapped[str | None] = mapped_column(String(200))
    agency: Mapped[str | None] = mapped_column(String(300))
    place: Mapped[str | None] = mapped_column(String(300))
    commune: Mapped[str | None] = mapped_column(String(200))
    channel: Mapped[str | None] = mapped_column(String(20))
    submitted_at: Mapped[dt.datetime | None] = mapped_column(DateTime)
    received_at: Mapped[dt.datetime | None] = mapped_column(DateTime, index=True)
    due_at: Mapped[dt.datetime | None] = mapped_column(DateTime)
    finished_at: Mapped[dt.datetime | None] = mapped_column(DateTime, index=True)
    returned_at: Mapped[dt.datetime | None] = mapped_column(DateTime)
    updated_at: Mapped[dt.datetime | None] = mapped_column(DateTime)
    new_due_at: Mapped[dt.datetime | None] = mapped_column(DateTime)
    apology_sent: Mapped[bool | None] = mapped_column(Boolean)
    reason: Mapped[str | None] = mapped_column(Text)
    supplements: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    payment: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    phone_proof: Mapped[str | None] = mapped_column(String(64))
    identity_proof: Mapped[str | None] = mapped_column(String(64))
    source: Mapped[str | None] = mapped_column(String(200))
    as_of: Mapped[dt.datetime | None] = mapped_column(DateTime)
    stored_at: Mapped[dt.datetime] = mapped_column(DateTime)
    sample: Mapped[bool] = mapped_column(Boolean)


@dataclass(frozen=True)
class Entry:
    """One report of one dossier. None means that the report does not say; what is stored then stays.

    ``state`` may be None only for a dossier that is stored already: then only ``updated_at`` moves on.
    ``as_of`` is the moment that the report vouches for. ``phone`` and ``identity`` are numbers or their last
    digits; they leave this object as keyed hashes only.
    """

    code: str
    state: State | None
    label: str | None = None
    procedure_code: str | None = None
    procedure_name: str | None = None
    field: str | None = None
    agency: str | None = None
    place: str | None = None
    commune: str | None = None
    channel: str | None = None
    submitted_at: dt.datetime | None = None
    received_at: dt.datetime | None = None
    due_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None
    returned_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None
    new_due_at: dt.datetime | None = None
    apology_sent: bool | None = None
    reason: str | None = None
    supplements: tuple[Supplement, ...] | None = None
    payment: Payment | None = None
    source: str | None = None
    as_of: dt.datetime | None = None
    phone: str | None = dataclasses.field(default=None, repr=False)
    identity: str | None = dataclasses.field(default=None, repr=False)


class Outcome(StrEnum):
    """What storing one entry did."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    OLDER = "older"  # something newer is stored; nothing was changed
    MISSING = "missing"  # a report without a state on a dossier that is not stored


class RegistryAwayError(RuntimeError):
    """The registry's database cannot be used. The statement, which holds codes, is left out."""


class Registry:
    """The table of dossiers, and the :class:`~actions.dossiers.dossier.Adapter` to it.

    Args:
        engine: the installation's database, migrated.
        key: the installation's secret key; proofs stored under another key match nobody.
        agencies: agency codes (``"H57.17"``; with everything below them, ``"H57"`` in the old order, too) that this
            registry answers for. Without any, those that it holds dossiers of.
    """

    name = "registry"

    def __init__(self, engine: Engine, key: bytes, agencies: Sequence[str] = ()) -> None:
        self._engine, self._proofs, self._agencies = engine, ProofHashes(key), tuple(agencies)
        self._held: dict[str, float] = {}  # agencies that the table holds, until when that is believed
        self._upsert = _upsert(engine.dialect.name)

    @classmethod
    def open(cls, settings: Settings) -> Registry:
        """Connect to the installation's database and bring its schema up to date."""
        engine = connect(settings.database)
        migrate(engine)
        return cls(engine, installation_key(settings.home))

    @property
    def engine(self) -> Engine:
        return self._engine

    # -- looking up ------------------------------------------------------------------------

    def covers(self, code: str) -> bool:
        # Without a list, the table has to be asked, which must not be done here: the look-up says when it is not ours.
        return not self._agencies or any(_belongs(agency_part(code), to) for to in self._agencies)

    def _is_ours(self, connection: Connection, code: str) -> bool:
        agency = agency_part(code)
        if self._agencies or self._held.get(agency, 0.0) > time.monotonic():
            return True
        query = select(DossierRow.code).where(DossierRow.agency_code == agency).limit(1)
        if connection.execute(query).first() is None:
            return False
        self._held[agency] = time.monotonic() + _AGENCIES_FRESH_S
        return True

    async def lookup(self, code: str, proof: Proof | None) -> Result:
        return await asyncio.to_thread(self.find, code, proof)

    def find(self, code: str, proof: Proof | None) -> Result:
        """:meth:`lookup` for callers without an event loop."""
        try:
            return self._find(code, proof)
        except SQLAlchemyError as error:
            # The statement's parameters hold the code, so only the kind of the error is kept.
            logger.error("the registry of dossiers does not answer: %s", type(error).__name__)
            return Unavailable("the registry's database does not answer")

    def _find(self, code: str, proof: Proof | None) -> Result:
        with self._engine.connect() as connection:
            if not self._is_ours(connection, code):
                return NotThisSystem()
            if proof is not None:
                # Only the hashes are read here, and the same work is done for a code that nobody knows: the time
                # taken does not tell an unknown code from a wrong proof.
                query = select(DossierRow.phone_proof, DossierRow.identity_proof).where(DossierRow.code == code)
                phone, identity = connection.execute(query).one_or_none() or (None, None)
                if not self._proofs.match(code, proof.digits, phone, identity):
                    return NotFoundOrMismatch()
            row = connection.execute(select(_TABLE).where(DossierRow.code == code)).mappings().one_or_none()
        return Found(_dossier(row)) if row else NotFoundOrMismatch()

    # -- storing ---------------------------------------------------------------------------

    def store(self, entries: Sequence[Entry], *, sample: bool = False, dry_run: bool = False) -> list[Outcome]:
        """Store reports; the same again changes nothing.

        Returns:
            What became of each entry, in order.

        Raises:
            RegistryAwayError: the database does not take them.
        """
        outcomes: list[Outcome] = []
        try:
            for batch in _without_repeats(entries):
                outcomes += self._store(batch, sample, dry_run)
        except SQLAlchemyError as error:
            raise RegistryAwayError(f"the database does not take dossiers: {type(error).__name__}") from None
        return outcomes

    def _store(self, batch: Sequence[Entry], sample: bool, dry_run: bool) -> list[Outcome]:
        values = [self._values(entry, sample) for entry in batch]
        # Read apart from writing: what is read here only tells what happened, the statements below decide.
        with self._engine.connect() as connection:
            stored = self._stored(connection, [entry.code for entry in batch])
        outcomes = [_outcome(row, stored.get(row["code"])) for row in values]
        if dry_run:
            return outcomes
        values.sort(key=lambda row: row["code"])  # always in one order, so that two writers never wait for each other
        full = [row for row in values if row["state"] is not None]
        partial = [row for row in values if row["state"] is None and row["updated_at"] is not None]
        if full:
            with self._engine.begin() as connection:
                connection.execute(self._upsert, full)
        if partial:
            with self._engine.begin() as connection:
                for row in partial:
                    connection.execute(_moved_on(row))
        return outcomes

    def _values(self, entry: Entry, sample: bool) -> dict[str, Any]:
        values = {name: _fitting(name, getattr(entry, name)) for name in _PLAIN}
        return values | {
            "label": _fitting("label", entry.label or (LABELS[entry.state] if entry.state else None)),
            "agency_code": agency_part(entry.code),
            "stage": _STAGES[entry.state] if entry.state else None,
            "apology_sent": entry.apology_sent,
            "supplements": [_supplement_json(s) for s in entry.supplements] if entry.supplements else None,
            "payment": dataclasses.asdict(entry.payment) if entry.payment else None,
            "phone_proof": self._proofs.phone(entry.code, entry.phone or ""),
            "identity_proof": self._proofs.identity(entry.code, entry.identity or ""),
            "stored_at": vietnam_now(),
            "sample": sample,
        }

    @staticmethod
    def _stored(connection: Connection, codes: list[str]) -> dict[str, Mapping[str, Any]]:
        rows = connection.execute(select(_TABLE).where(DossierRow.code.in_(codes))).mappings()
        return {row["code"]: row for row in rows}

    def count(self, *, sample: bool | None = None) -> int:
        """How many dossiers are stored, of the sample or not where asked."""
        query = select(func.count()).select_from(DossierRow)
        if sample is not None:
            query = query.where(DossierRow.sample.is_(sample))
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def remove_sample(self) -> int:
        """Take the made-up dossiers out; returns how many there were."""
        self._held.clear()
        with self._engine.begin() as connection:
            return connection.execute(delete(DossierRow).where(DossierRow.sample.is_(True))).rowcount


_TABLE = DossierRow.__table__
_PLAIN = (
    "code", "state", "label", "procedure_code", "procedure_name", "field", "agency", "place", "commune", "channel",
    "submitted_at", "received_at", "due_at", "finished_at", "returned_at", "updated_at", "new_due_at", "reason",
    "source", "as_of",
)  # fmt: skip
_KEPT_WHERE_SILENT = (
    *(name for name in _PLAIN if name not in ("code", "state", "label", "as_of")),
    "apology_sent", "supplements", "payment", "phone_proof", "identity_proof",
)  # fmt: skip
_SAID = ("state", "label", *_KEPT_WHERE_SILENT)
"""What may differ between two reports; the rest is derived or ours."""


_LENGTHS = {name: getattr(_TABLE.c[name].type, "length", None) for name in _PLAIN}


def _fitting(name: str, value: Any) -> Any:
    """The value, cut to what the column holds; NULL for an empty text."""
    return (value[: _LENGTHS[name]] or None) if isinstance(value, str) else value


def agency_part(code: str) -> str:
    """The agency's part of a dossier code: ``"H57.17.26-231114-0002"`` → ``"H57.17.26"``."""
    return code.rsplit("-", 2)[0]


def _belongs(agency: str, to: str) -> bool:
    if "." not in to:
        return to in agency.split(".")  # a province or ministry, first in the new order and last in the old one
    return agency == to or agency.startswith(to + ".")


def _without_repeats(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Cut where a code comes a second time, so that the second finds the first stored."""
    batch: dict[str, Entry] = {}
    for entry in entries:
        if entry.code in batch:
            yield list(batch.values())
            batch = {}
        batch[entry.code] = entry
    if batch:
        yield list(batch.values())


# -- which report is newer: once for telling, once as SQL for deciding ---------------------------


def _is_newer(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    at, was = new["as_of"], old["as_of"]
    if at is None or was is None or at == was:
        return bool(new["stage"] >= old["stage"])
    if at.date() != was.date():
        return bool(at > was)
    if _is_day_only(at) or _is_day_only(was):
        return bool(new["stage"] >= old["stage"])
    return bool(at > was or new["stage"] > old["stage"])


def _is_day_only(moment: dt.datetime) -> bool:
    return moment.time() == dt.time()


def _newer_sql(new: Any, old: Any) -> ColumnElement[bool]:
    """:func:`_is_newer` in a statement."""

    def part(moment: Any, start: int, length: int) -> Any:
        # Both databases write 2026-11-12 08:30:00 when a moment becomes text.
        return func.substr(cast(moment, String), start, length)

    day, was_day = part(new.as_of, 1, 10), part(old.as_of, 1, 10)
    day_only = or_(part(new.as_of, 12, 8) == "00:00:00", part(old.as_of, 12, 8) == "00:00:00")
    silent = or_(new.as_of.is_(None), old.as_of.is_(None), new.as_of == old.as_of)
    forward = new.stage >= old.stage
    return or_(
        and_(silent, forward),
        day > was_day,
        and_(day == was_day, day_only, forward),
        and_(day == was_day, ~day_only, or_(new.as_of > old.as_of, new.stage > old.stage)),
    )


def _upsert(dialect: str) -> Any:
    """Insert, or change what is stored where the report is newer."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(DossierRow)
    new, old = statement.excluded, _TABLE.c
    changed: dict[str, Any] = {name: func.coalesce(new[name], old[name]) for name in _KEPT_WHERE_SILENT}
    changed |= {name: new[name] for name in ("state", "label", "stage", "stored_at", "sample")}
    changed["as_of"] = case((new.as_of > old.as_of, new.as_of), else_=func.coalesce(old.as_of, new.as_of))
    return statement.on_conflict_do_update(index_elements=["code"], set_=changed, where=_newer_sql(new, old))


def _moved_on(row: Mapping[str, Any]) -> Any:
    """A report without a state only tells that the dossier was worked on."""
    later = or_(DossierRow.updated_at.is_(None), DossierRow.updated_at < row["updated_at"])
    statement = update(DossierRow).where(DossierRow.code == row["code"], later)
    return statement.values(updated_at=row["updated_at"], stored_at=row["stored_at"])


def _outcome(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> Outcome:
    if new["state"] is None:
        if old is None:
            return Outcome.MISSING
        at, was = new["updated_at"], old["updated_at"]
        return Outcome.CHANGED if at and (was is None or at > was) else Outcome.OLDER
    if old is None:
        return Outcome.ADDED
    if not _is_newer(new, old):
        return Outcome.OLDER
    same = all(new[name] is None or new[name] == old[name] for name in _SAID)
    return Outcome.UNCHANGED if same else Outcome.CHANGED


# -- between rows and dossiers ------------------------------------------------------------------


def _supplement_json(supplement: Supplement) -> dict[str, Any]:
    values = dataclasses.asdict(supplement)
    return {name: v.isoformat() if isinstance(v, dt.datetime) else v for name, v in values.items()}


def _supplement(values: Mapping[str, Any]) -> Supplement:
    moment = lambda name: dt.datetime.fromisoformat(values[name]) if values.get(name) else None  # noqa: E731
    return Supplement(
        asked_at=moment("asked_at"),
        content=values.get("content") or "",
        done_at=moment("done_at"),
        due_before=moment("due_before"),
        due_after=moment("due_after"),
    )


_WITH_REASON = (State.NOT_ACCEPTED, State.STOPPED, State.WITHDRAWN)


def _dossier(row: Mapping[str, Any]) -> Dossier:
    state = State(row["state"])
    return Dossier(
        code=row["code"],
        state=state,
        label=row["label"],
        source=row["source"] or DEFAULT_SOURCE,
        fetched_at=row["stored_at"],
        procedure_code=row["procedure_code"],
        procedure_name=row["procedure_name"] or "",
        agency=row["agency"] or "",
        place=row["place"] or "",
        channel=row["channel"] or "",
        submitted_at=row["submitted_at"],
        received_at=row["received_at"],
        due_at=row["due_at"],
        finished_at=row["finished_at"],
        returned_at=row["returned_at"],
        updated_at=row["updated_at"] or row["as_of"],
        # A reason or a payment of an earlier state may still be stored; it is told only while it matters.
        reason=(row["reason"] or "") if state in _WITH_REASON else "",
        supplements=tuple(_supplement(s) for s in row["supplements"] or ()),
        payment=Payment(**row["payment"]) if row["payment"] and state is State.PAYMENT else None,
        apology_sent=bool(row["apology_sent"]),
        new_due_at=row["new_due_at"],
    )
