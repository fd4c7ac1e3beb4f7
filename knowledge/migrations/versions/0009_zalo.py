"""Zalo: the Official Account's tokens, counts for operators, numbered choices on offer, sends that were begun."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "zalo_token",
        sa.Column("app_id", sa.String(40), primary_key=True),
        sa.Column("access", sa.Text, nullable=False),
        sa.Column("refresh", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("obtained_at", sa.DateTime, nullable=False),
        sa.Column("access_ends_at", sa.DateTime, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(120), nullable=True),
        sa.Column("rest_until", sa.DateTime, nullable=True),
    )
    op.create_table(
        "zalo_count",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "zalo_choice",
        sa.Column("recipient", sa.String(200), primary_key=True),
        sa.Column("payloads", sa.JSON, nullable=False),
        sa.Column("offered_at", sa.DateTime, nullable=False, index=True),
    )
    op.create_table(
        "zalo_attempt",
        sa.Column("dedupe_key", sa.String(120), primary_key=True),
        sa.Column("begun_at", sa.DateTime, nullable=False, index=True),
    )


def downgrade() -> None:
    for table in ("zalo_attempt", "zalo_choice", "zalo_count", "zalo_token"):
        op.drop_table(table)
