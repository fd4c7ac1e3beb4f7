"""Catalogue: what each origin says of a procedure, and the published versions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "origin_record",
        sa.Column("code", sa.String(40), primary_key=True),
        sa.Column("origin", sa.String(20), primary_key=True),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("as_of", sa.Date, nullable=True),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("imported_at", sa.DateTime, nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
    )
    op.create_table(
        "procedure_version",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("code", sa.String(40), nullable=False, index=True),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("starts_at", sa.DateTime, nullable=False),
        sa.Column("ends_at", sa.DateTime, nullable=True, index=True),
        sa.Column("retired_at", sa.DateTime, nullable=True),
    )
    op.create_table(
        "import_run",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("file", sa.String(255), nullable=False),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    for table in ("import_run", "procedure_version", "origin_record"):
        op.drop_table(table)
