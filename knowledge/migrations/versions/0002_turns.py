"""Turns: the status of every answered message."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "turn",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False, index=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("conversation", sa.String(32), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("procedure_code", sa.String(40), nullable=True),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("question", sa.Text, nullable=True),
        sa.Column("ms", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("turn")
