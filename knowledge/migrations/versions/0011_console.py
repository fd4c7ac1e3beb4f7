"""The hotline's console: the book of calls, who sits at which extension, digits that send an answer to a chat, answers that wait
for approval."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "hotline_call",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("call_id", sa.String(120), nullable=True, unique=True),
        sa.Column("extension", sa.String(20), nullable=True, index=True),
        sa.Column("agent", sa.String(60), nullable=True, index=True),
        sa.Column("state", sa.String(10), nullable=False, index=True),
        sa.Column("started_at", sa.DateTime, nullable=False, index=True),
        sa.Column("answered_at", sa.DateTime, nullable=True),
        sa.Column("ended_at", sa.DateTime, nullable=True),
        sa.Column("phone", sa.Text, nullable=True),
        sa.Column("phone_key", sa.String(64), nullable=True, index=True),
        sa.Column("field", sa.String(200), nullable=True),
        sa.Column("procedure_code", sa.String(40), nullable=True),
        sa.Column("outcome", sa.String(12), nullable=True),
        sa.Column("note", sa.Text, nullable=True),
        sa.Column("follow_up_on", sa.Date, nullable=True, index=True),
        sa.Column("followed_up_at", sa.DateTime, nullable=True),
        sa.Column("logged_at", sa.DateTime, nullable=True),
    )
    op.create_table(
        "hotline_seat",
        sa.Column("extension", sa.String(20), primary_key=True),
        sa.Column("agent", sa.String(60), nullable=False, unique=True),
    )
    op.create_table(
        "hotline_send",
        sa.Column("code_key", sa.String(64), primary_key=True),
        sa.Column("procedure_code", sa.String(40), nullable=False),
        sa.Column("case_number", sa.Integer, nullable=True),
        sa.Column("agent", sa.String(60), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False, index=True),
        sa.Column("taken_by", sa.String(64), nullable=True),
    )
    op.create_table(
        "hotline_held",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("conversation", sa.String(240), nullable=False, index=True),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("reply", sa.JSON, nullable=False),
        sa.Column("held_at", sa.DateTime, nullable=False, index=True),
    )


def downgrade() -> None:
    for table in ("hotline_held", "hotline_send", "hotline_seat", "hotline_call"):
        op.drop_table(table)
