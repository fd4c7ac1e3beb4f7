"""Dossiers: the built-in registry, the limits on tries, and the audit of look-ups by staff."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "dossier",
        sa.Column("code", sa.String(64), primary_key=True),
        sa.Column("agency_code", sa.String(40), nullable=False, index=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("stage", sa.SmallInteger, nullable=False),
        sa.Column("procedure_code", sa.String(40), nullable=True),
        sa.Column("procedure_name", sa.Text, nullable=True),
        sa.Column("field", sa.String(200), nullable=True),
        sa.Column("agency", sa.String(300), nullable=True),
        sa.Column("place", sa.String(300), nullable=True),
        sa.Column("commune", sa.String(200), nullable=True),
        sa.Column("channel", sa.String(20), nullable=True),
        sa.Column("submitted_at", sa.DateTime, nullable=True),
        sa.Column("received_at", sa.DateTime, nullable=True, index=True),
        sa.Column("due_at", sa.DateTime, nullable=True),
        sa.Column("finished_at", sa.DateTime, nullable=True, index=True),
        sa.Column("returned_at", sa.DateTime, nullable=True),
        sa.Column("updated_at", sa.DateTime, nullable=True),
        sa.Column("new_due_at", sa.DateTime, nullable=True),
        sa.Column("apology_sent", sa.Boolean, nullable=True),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("supplements", sa.JSON, nullable=True),
        sa.Column("payment", sa.JSON, nullable=True),
        sa.Column("phone_proof", sa.String(64), nullable=True),
        sa.Column("identity_proof", sa.String(64), nullable=True),
        sa.Column("source", sa.String(200), nullable=True),
        sa.Column("as_of", sa.DateTime, nullable=True),
        sa.Column("stored_at", sa.DateTime, nullable=False),
        sa.Column("sample", sa.Boolean, nullable=False),
    )
    op.create_table(
        "dossier_try",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("most", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False, index=True),
        sa.Column("who", sa.String(120), nullable=False, index=True),
        sa.Column("what", sa.String(60), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=True, index=True),
        sa.Column("channel", sa.String(20), nullable=False),
    )


def downgrade() -> None:
    for table in ("audit", "dossier_try", "dossier"):
        op.drop_table(table)
