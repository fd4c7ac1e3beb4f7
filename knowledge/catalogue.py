"""Storing procedures: what each origin says, what is published, and its earlier versions.

Every origin (a file format such as ``national`` or ``starter``) keeps its own record of a
procedure. What people see is the published version, merged from those records: the newest
record gives the facts, and older ones fill the parts it has nothing about. A published
version that changes is kept with the dates between which it held.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import JSON, Boolean, Date, DateTime, Engine, Integer, String, Text, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from knowledge.database import Base, connect, migrate
from knowledge.procedure import Procedure
from knowledge.settings import Settings
from knowledge.sources import Rejected

ORIGINS = ("portal-list", "national", "portal-page", "portal-api", "starter", "office")
"""Origins from the least to the most trusted where dates do not decide."""

FULL_LIST_SHARE = 0.8
"""A full list that holds less than this share of what it replaces is taken for a part of one."""

_FACT_FIELDS = (
    "channels", "documents", "fees", "exemptions", "time_limits", "conditions", "steps", "results", "legal_basis",
)  # fmt: skip
_HEAD_FIELDS = ("plain_name", "field", "levels", "promulgator", "authorities", "place", "subjects", "province", "group", "sets")


class OriginRecord(Base):
    """What one origin says of one procedure, as last imported."""

    __tablename__ = "origin_record"
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    origin: Mapped[str] = mapped_column(String(20), primary_key=True)
    content_hash: Mapped[str] = mapped_column(String(64))
    as_of: Mapped[dt.date | None] = mapped_column(Date)
    data: Mapped[str] = mapped_column(Text)
    imported_at: Mapped[dt.datetime] = mapped_column(DateTime)
    listed: Mapped[bool] = mapped_column(Boolean)


class ProcedureVersion(Base):
    """A published version; ``ends_at`` is empty for the one that holds now."""

    __tablename__ = "procedure_version"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    code: Mapped[str] = mapped_column(String(40), index=True)
    content_hash: Mapped[str] = mapped_column(String(64))
    data: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[dt.datetime] = mapped_column(DateTime)
    ends_at: Mapped[dt.datetime | None] = mapped_column(DateTime, index=True)
    retired_at: Mapped[dt.datetime | None] = mapped_column(DateTime)

    @property
    def procedure(self) -> Procedure:
        return Procedure.model_validate_json(self.data)


class ImportRun(Base):
    """One imported file and what it changed."""

    __tablename__ = "import_run"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    file: Mapped[str] = mapped_column(String(255))
    origin: Mapped[str] = mapped_column(String(20))
    at: Mapped[dt.datetime] = mapped_column(DateTime)
    counts: Mapped[dict[str, int]] = mapped_column(JSON)


@dataclass
class ImportReport:
    """What an import did; the lists hold procedure codes."""

    file: str
    format: str
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    dry_run: bool = False

    def counts(self) -> dict[str, int]:
        return {
            "added": len(self.added),
            "changed": len(self.changed),
            "retired": len(self.retired),
            "unchanged": self.unchanged,
            "rejected": len(self.rejected),
        }


def now() -> dt.datetime:
    """UTC without zone, as stored."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def as_of(procedure: Procedure) -> dt.date | None:
    """The newest day that the record's sources vouch for."""
    days = [day for source in procedure.sources.values() for day in (source.retrieved, source.decision_date) if day]
    return max(days, default=None)


def merge(records: list[tuple[str, Procedure]]) -> Procedure:
    """The published procedure from the records of several origins.

    Args:
        records: pairs of origin and record, all of one code, at least one.
    """
    order = sorted(records, key=lambda r: (r[1].has_details, as_of(r[1]) or dt.date.min, ORIGINS.index(r[0])), reverse=True)
    best = order[0][1].model_copy(deep=True)
    for origin, other in order[1:]:
        _fill_from(best, other, origin)
    return best


def _fill_from(best: Procedure, other: Procedure, origin: str) -> None:
    for name in _HEAD_FIELDS:
        if not getattr(best, name):
            setattr(best, name, getattr(other, name))
    for name in _FACT_FIELDS:
        if not getattr(best, name) and getattr(other, name):
            setattr(best, name, [_with_source_of(best, other, origin, fact) for fact in getattr(other, name)])
    for name in ("phrases", "keywords"):
        setattr(best, name, list(dict.fromkeys([*getattr(best, name), *getattr(other, name)])))


def _with_source_of(best: Procedure, other: Procedure, origin: str, fact: object) -> object:
    """The fact of ``other``, its source entered in ``best`` under a key that no other source has."""
    key = getattr(fact, "source", None)
    if key is None:
        return fact
    source = other.sources[key]
    if best.sources.get(key, source) != source:
        key = f"{origin}:{key}"
    best.sources[key] = source
    return fact.model_copy(update={"source": key})  # type: ignore[attr-defined]


class Catalogue:
    """The catalogue of one installation."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, settings: Settings) -> Catalogue:
        """Connect to the installation's database and bring its schema up to date."""
        engine = connect(settings.database)
        migrate(engine)
        return cls(engine)

    # -- reading ---------------------------------------------------------------------------

    def get(self, code: str, on: dt.date | None = None) -> Procedure | None:
        """The procedure as published now, or at the end of the day ``on``; None where there was none."""
        version = self.version(code, on)
        return version.procedure if version else None

    def version(self, code: str, on: dt.date | None = None) -> ProcedureVersion | None:
        """Like :meth:`get`, with the dates between which the version held."""
        query = select(ProcedureVersion).where(ProcedureVersion.code == code)
        if on is None:
            query = query.where(ProcedureVersion.ends_at.is_(None))
        else:
            end_of_day = dt.datetime.combine(on, dt.time.max)
            query = query.where(
                ProcedureVersion.starts_at <= end_of_day,
                (ProcedureVersion.ends_at.is_(None)) | (ProcedureVersion.ends_at > end_of_day),
            )
        with Session(self.engine) as session:
            return session.scalars(query.order_by(ProcedureVersion.id.desc())).first()

    def history(self, code: str) -> list[ProcedureVersion]:
        """All published versions, the oldest first."""
        query = select(ProcedureVersion).where(ProcedureVersion.code == code).order_by(ProcedureVersion.id)
        with Session(self.engine) as session:
            return list(session.scalars(query))

    def current(self) -> Iterator[Procedure]:
        """All procedures that are published now and not retired, by code."""
        query = select(ProcedureVersion).where(
            ProcedureVersion.ends_at.is_(None), ProcedureVersion.retired_at.is_(None)
        )
        with Session(self.engine) as session:
            for version in session.scalars(query.order_by(ProcedureVersion.code).execution_options(yield_per=500)):
                yield version.procedure

    def fingerprint(self) -> str:
        """Changes whenever a published version changes; the search index remembers it."""
        query = select(func.max(ProcedureVersion.id), func.count(ProcedureVersion.retired_at), func.count())
        with Session(self.engine) as session:
            return "-".join(str(n or 0) for n in session.execute(query).one())

    # -- importing -------------------------------------------------------------------------

    def import_records(
        self,
        file: str,
        origin: str,
        records: Iterable[Procedure | Rejected],
        *,
        full_list: bool | None = False,
        dry_run: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> ImportReport:
        """Read records of one file into the catalogue, in one transaction.

        Args:
            file: name to show and to log.
            origin: one of :data:`ORIGINS`.
            records: what a reader yields; an exception it raises leaves the catalogue as it was.
            full_list: True retires what the list lacks; None does so only when the list is
                long enough to be a full one; False never does.
            progress: called with the number of records read so far.

        Returns:
            Counts and codes of what changed.
        """
        report = ImportReport(file, origin, dry_run=dry_run)
        with Session(self.engine) as session:
            importer = _Import(session, origin, report)
            for number, record in enumerate(records, start=1):
                importer.take(record)
                if progress and number % 100 == 0:
                    progress(number)
            if full_list is not False:
                importer.retire_missing(sure=full_list is True)
            importer.publish()
            if dry_run:
                session.rollback()
            else:
                if any(report.counts()[name] for name in ("added", "changed", "retired")):
                    session.add(ImportRun(file=file[-255:], origin=origin, at=now(), counts=report.counts()))
                session.commit()
        return report


class _Import:
    """One file on its way into the catalogue."""

    def __init__(self, session: Session, origin: str, report: ImportReport) -> None:
        self.session, self.origin, self.report = session, origin, report
        self.at = now()
        self.seen: set[str] = set()
        self.promulgators: set[str] = set()
        self.touched: set[str] = set()
        self.retiring: set[str] = set()
        self.known = {
            record.code: record.content_hash
            for record in session.execute(
                select(OriginRecord.code, OriginRecord.content_hash).where(OriginRecord.origin == origin)
            )
        }
        current = select(ProcedureVersion).where(ProcedureVersion.ends_at.is_(None))
        self.versions = {version.code: version for version in session.scalars(current)}

    def take(self, record: Procedure | Rejected) -> None:
        if isinstance(record, Rejected):
            self.report.rejected.append(record)
            return
        if record.code in self.seen:
            self.report.rejected.append(Rejected(record.code, None, "the code appears twice in this file"))
            return
        self.seen.add(record.code)
        if record.promulgator:
            self.promulgators.add(record.promulgator)
        content_hash = record.content_hash()
        version = self.versions.get(record.code)
        reappeared = version is not None and version.retired_at is not None and self.origin != "starter"
        if self.known.get(record.code) == content_hash and not reappeared:
            return
        self.session.merge(
            OriginRecord(
                code=record.code,
                origin=self.origin,
                content_hash=content_hash,
                as_of=as_of(record),
                data=record.model_dump_json(exclude_defaults=True),
                imported_at=self.at,
                listed=True,
            )
        )
        self.touched.add(record.code)

    def retire_missing(self, *, sure: bool) -> None:
        """Retire what a full list lacks, unless the list is too short to be full."""
        covered = self._covered_by_this_list()
        missing = covered - self.seen
        if missing and not sure and len(covered - missing) < FULL_LIST_SHARE * len(covered):
            self.report.warnings.append(
                f"the list lacks {len(missing)} of {len(covered)} known procedures, so it is taken for a part: "
                "nothing was retired (use --full to retire them)"
            )
            return
        self.retiring = missing

    def _covered_by_this_list(self) -> set[str]:
        active = {code for code, version in self.versions.items() if version.retired_at is None}
        if self.origin == "portal-list":  # a ministry's list speaks for that ministry's procedures
            return {code for code in active if self.versions[code].procedure.promulgator in self.promulgators}
        return active & set(self.known)

    def publish(self) -> None:
        self.session.flush()
        records = self._records_of(self.touched)
        for code in sorted(self.touched):
            self._publish_one(code, merge(records[code]))
        for code in sorted(self.retiring):
            self._retire(code)
        done = len(self.report.added) + len(self.report.changed)
        self.report.unchanged = len(self.seen) - done

    def _records_of(self, codes: set[str]) -> dict[str, list[tuple[str, Procedure]]]:
        found: dict[str, list[tuple[str, Procedure]]] = {code: [] for code in codes}
        ordered = sorted(codes)
        for start in range(0, len(ordered), 500):  # SQLite limits the variables of one statement
            query = select(OriginRecord).where(OriginRecord.code.in_(ordered[start : start + 500]))
            for row in self.session.scalars(query):
                found[row.code].append((row.origin, Procedure.model_validate_json(row.data)))
        return found

    def _publish_one(self, code: str, procedure: Procedure) -> None:
        content_hash = procedure.content_hash()
        version = self.versions.get(code)
        if version and version.content_hash == content_hash and version.retired_at is None:
            return
        (self.report.changed if version else self.report.added).append(code)
        self._close(version)
        self.session.add(
            ProcedureVersion(
                code=code,
                content_hash=content_hash,
                data=procedure.model_dump_json(exclude_defaults=True),
                starts_at=self.at,
            )
        )

    def _retire(self, code: str) -> None:
        """A retired procedure gets a closing version with the same facts, so that both dates are kept."""
        version = self.versions[code]
        self.report.retired.append(code)
        self._close(version)
        self.session.add(
            ProcedureVersion(
                code=code,
                content_hash=version.content_hash,
                data=version.data,
                starts_at=self.at,
                retired_at=self.at,
            )
        )

    def _close(self, version: ProcedureVersion | None) -> None:
        if version is not None:
            self.session.execute(
                update(ProcedureVersion).where(ProcedureVersion.id == version.id).values(ends_at=self.at)
            )
