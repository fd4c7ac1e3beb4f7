"""Satisfaction: who was asked (tickets), what was answered (responses), which questions they were (instruments), petitions."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "survey_ticket",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("instrument", sa.String(30), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reminded", sa.Integer, nullable=False),
        sa.Column("asked_on", sa.Date, nullable=True, index=True),
        sa.Column("channel", sa.String(20), nullable=True),
        sa.Column("commune", sa.String(120), nullable=True),
        sa.Column("procedure_code", sa.String(40), nullable=True),
        sa.Column("field", sa.String(200), nullable=True),
        sa.Column("response_id", sa.String(32), nullable=True),
        sa.Column("open_until", sa.DateTime, nullable=True, index=True),
    )
    op.create_table(
        "survey_response",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("instrument", sa.String(30), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("commune", sa.String(120), nullable=True),
        sa.Column("procedure_code", sa.String(40), nullable=True),
        sa.Column("field", sa.String(200), nullable=True),
        sa.Column("complete", sa.Integer, nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.Column("comments", sa.JSON, nullable=False),
        sa.Index("survey_response_day", "instrument", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "survey_instrument",
        sa.Column("id", sa.String(30), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "survey_talk",
        sa.Column("conversation", sa.String(64), primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("until", sa.DateTime, nullable=False, index=True),
    )
    op.create_table(
        "petition",
        sa.Column("number", sa.String(20), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("commune", sa.String(120), nullable=True),
        sa.Column("procedure_code", sa.String(40), nullable=True),
        sa.Column("received_at", sa.DateTime, nullable=False, index=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.Column("history", sa.JSON, nullable=False),
        sa.Column("answer", sa.Text, nullable=True),
        sa.Column("satisfied", sa.Integer, nullable=True),
    )


def downgrade() -> None:
    for table in ("petition", "survey_talk", "survey_instrument", "survey_response", "survey_ticket"):
        op.drop_table(table)
