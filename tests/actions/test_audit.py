"""The audit of look-ups by staff."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from actions.audit import Audit, AuditEntry
from knowledge.database import connect, migrate

CODE = "H57.17.26-261110-0001"


def test_entries_name_the_staff_and_never_the_dossier(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/audit.db")
    migrate(engine)
    audit = Audit(engine, b"k" * 32)
    audit.record(who="can-bo-1", what="dossier_lookup", code=CODE, channel="console")
    audit.record(who="can-bo-2", what="dossier_lookup", code="H57.17.26-261110-0002", channel="console")
    audit.record(who="can-bo-1", what="sign_in", channel="console")
    assert [e.what for e in audit.entries(who="can-bo-1")] == ["sign_in", "dossier_lookup"]
    assert [(e.who, e.channel) for e in audit.entries(code=CODE)] == [("can-bo-1", "console")]
    assert len(audit.entries(limit=2)) == 2
    with engine.connect() as connection:
        assert "0001" not in str(connection.execute(sa.select(AuditEntry.code_hash)).all())
    assert Audit(engine, b"x" * 32).entries(code=CODE) == []
