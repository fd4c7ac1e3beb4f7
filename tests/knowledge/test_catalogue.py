from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from knowledge.catalogue import Catalogue, merge
from knowledge.database import connect, migrate
from knowledge.procedure import (
    DocumentRequirement,
    Fee,
    FeeStatus,
    Level,
    Procedure,
    Source,
    TimeLimit,
    TimeUnit,
)
from knowledge.sources import Rejected
from tests.conftest import unavailable

POSTGRES = os.environ.get("MOTCUA_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


def procedure(code: str = "1.000001", **changes: object) -> Procedure:
    values: dict[str, object] = {
        "code": code,
        "name": "Đăng ký việc thử",
        "promulgator": "Bộ Thử",
        "levels": [Level.COMMUNE],
        "documents": [DocumentRequirement(name="Tờ khai", originals=1)],
        "fees": [Fee(status=FeeStatus.AMOUNT, amount=5000)],
        "time_limits": [TimeLimit(quantity=3, unit=TimeUnit.WORKING_DAY)],
        "sources": {"s": Source(name="Nguồn thử", retrieved=dt.date(2026, 7, 20))},
    }
    return Procedure.model_validate(values | changes)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path) -> Iterator[str]:  # type: ignore[no-untyped-def]
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/test.db"
        return
    admin = connect(POSTGRES).execution_options(isolation_level="AUTOCOMMIT")
    name = f"motcua_test_{uuid.uuid4().hex[:12]}"
    try:
        with admin.connect() as connection:
            connection.execute(sa.text(f"create database {name}"))
    except sa.exc.OperationalError:
        unavailable("no PostgreSQL answers on 127.0.0.1:5432")
    yield POSTGRES.rsplit("/", 1)[0] + "/" + name
    with admin.connect() as connection:
        connection.execute(sa.text(f"drop database {name} with (force)"))
    admin.dispose()


@pytest.fixture
def catalogue(url: str) -> Iterator[Catalogue]:
    engine = connect(url)
    migrate(engine)
    yield Catalogue(engine)
    engine.dispose()


def test_the_same_file_twice_changes_nothing(catalogue: Catalogue) -> None:
    records = [procedure(), procedure("1.000002")]
    first = catalogue.import_records("a.jsonl", "national", records, full_list=None)
    fingerprint = catalogue.fingerprint()
    again = catalogue.import_records("a.jsonl", "national", records, full_list=None)
    assert first.counts() == {"added": 2, "changed": 0, "retired": 0, "unchanged": 0, "rejected": 0}
    assert again.counts() == {"added": 0, "changed": 0, "retired": 0, "unchanged": 2, "rejected": 0}
    assert catalogue.fingerprint() == fingerprint


def test_a_change_keeps_the_earlier_version_with_its_dates(catalogue: Catalogue) -> None:
    catalogue.import_records("a", "national", [procedure()])
    report = catalogue.import_records("b", "national", [procedure(fees=[Fee(status=FeeStatus.AMOUNT, amount=8000)])])
    assert report.changed == ["1.000001"]
    old, new = catalogue.history("1.000001")
    assert old.procedure.fees[0].amount == 5000
    assert new.procedure.fees[0].amount == 8000
    assert old.ends_at == new.starts_at
    assert new.ends_at is None
    assert catalogue.get("1.000001", on=dt.date.today()).fees[0].amount == 8000  # type: ignore[union-attr]
    assert catalogue.get("1.000001", on=dt.date(2020, 1, 1)) is None


def test_missing_from_a_full_list_is_retired_and_comes_back(catalogue: Catalogue) -> None:
    everything = [procedure(f"1.00000{n}") for n in range(1, 7)]
    catalogue.import_records("a", "national", everything, full_list=None)
    report = catalogue.import_records("b", "national", everything[1:], full_list=None)
    assert report.retired == ["1.000001"]
    version = catalogue.version("1.000001")
    assert version is not None
    assert version.retired_at is not None
    assert [p.code for p in catalogue.current()] == [p.code for p in everything[1:]]
    assert catalogue.import_records("b", "national", everything[1:], full_list=None).retired == []
    back = catalogue.import_records("c", "national", everything, full_list=None)
    assert back.changed == ["1.000001"]
    assert len(list(catalogue.current())) == 6


def test_a_short_list_is_taken_for_a_part_unless_told_otherwise(catalogue: Catalogue) -> None:
    catalogue.import_records("a", "national", [procedure(f"1.00000{n}") for n in range(1, 7)], full_list=None)
    report = catalogue.import_records("b", "national", [procedure()], full_list=None)
    assert report.retired == []
    assert "--full" in report.warnings[0]
    assert len(catalogue.import_records("b", "national", [procedure()], full_list=True).retired) == 5


def test_a_ministrys_list_speaks_for_that_ministry_only(catalogue: Catalogue) -> None:
    ours = [procedure(f"1.00000{n}") for n in range(1, 7)]
    catalogue.import_records("a", "national", [*ours, procedure("2.000001", promulgator="Bộ Khác")])
    listed = [Procedure(code=p.code, name=p.name, promulgator="Bộ Thử", has_details=False) for p in ours[1:]]
    report = catalogue.import_records("list.xlsx", "portal-list", listed, full_list=None)
    assert report.retired == ["1.000001"]
    assert catalogue.get("1.000002").documents, "a list of names takes no details away"  # type: ignore[union-attr]


def test_a_dry_run_and_a_broken_reader_change_nothing(catalogue: Catalogue) -> None:
    assert catalogue.import_records("a", "national", [procedure()], dry_run=True).added == ["1.000001"]
    assert catalogue.get("1.000001") is None

    def breaks() -> Iterator[Procedure]:
        yield procedure()
        raise ValueError("truncated")

    with pytest.raises(ValueError, match="truncated"):
        catalogue.import_records("a", "national", breaks())
    assert catalogue.get("1.000001") is None


def test_rejected_and_repeated_records_are_reported(catalogue: Catalogue) -> None:
    report = catalogue.import_records("a", "national", [procedure(), procedure(), Rejected("x", 3, "no name")])
    assert [r.reason for r in report.rejected] == ["the code appears twice in this file", "no name"]
    assert report.added == ["1.000001"]


def test_the_newest_record_gives_the_facts_and_older_ones_fill_gaps() -> None:
    starter = procedure(plain_name="Việc thử", phrases=["làm việc thử"], steps=[])
    newer = procedure(
        fees=[Fee(status=FeeStatus.AMOUNT, amount=9000)],
        steps=["Bước một"],
        sources={"s": Source(name="Bản mới", retrieved=dt.date(2026, 10, 1))},
    )
    merged = merge([("starter", starter), ("national", newer)])
    assert merged.fees[0].amount == 9000
    assert merged.plain_name == "Việc thử"
    assert merged.phrases == ["làm việc thử"]
    same_day = newer.model_copy(deep=True, update={"sources": {"s": Source(name="Bản", retrieved=dt.date(2026, 7, 20))}})
    merged = merge([("national", same_day), ("starter", starter)])
    assert merged.fees[0].amount == 5000
    assert merged.steps == ["Bước một"]


def test_filled_facts_keep_their_own_source() -> None:
    base = procedure(legal_basis=[])
    other = procedure(
        legal_basis=[{"number": "1/2020/TT"}], sources={"s": Source(name="Khác", retrieved=dt.date(2026, 1, 1))}
    )
    merged = merge([("starter", base), ("national", other)])
    assert merged.sources[merged.legal_basis[0].source].name == "Khác"  # type: ignore[index]
    assert merged.sources[merged.fees[0].source].name == "Nguồn thử"  # type: ignore[index]


def test_migrations_can_go_down_and_up_again(url: str) -> None:
    from alembic import command
    from alembic.config import Config

    engine = connect(url)
    migrate(engine)
    config = Config()
    config.set_main_option("script_location", "knowledge/migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
        command.upgrade(config, "head")
    assert "procedure_version" in sa.inspect(engine).get_table_names()
    engine.dispose()
