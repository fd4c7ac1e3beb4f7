"""The way of a message: inbox, transcripts, conversations that a person takes over, stopped channels."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

# Most rows are done. Partial indexes keep the few others in sight, whatever the planner believes of the table.
_OPEN = sa.text("done_at is null")
_DONE = sa.text("done_at is not null")
_CLAIMED = sa.text("claim is not null")
_WAITING = sa.text("sent_at is null and dead_reason is null")


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("conversation", sa.String(240), nullable=False),
        sa.Column("dedupe_key", sa.String(64), nullable=False, unique=True),
        sa.Column("payload", sa.Text, nullable=True),
        sa.Column("limited", sa.Boolean, nullable=False),
        sa.Column("received_at", sa.DateTime, nullable=False),
        sa.Column("not_before", sa.DateTime, nullable=False),
        sa.Column("claim", sa.String(32), nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("done_at", sa.DateTime, nullable=True),
        sa.Column("dead_reason", sa.String(120), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("inbox_waiting", "inbox", ["id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("inbox_done", "inbox", ["done_at"], sqlite_where=_DONE, postgresql_where=_DONE)
    op.create_index("inbox_open", "inbox", ["conversation", "id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index(
        "inbox_one_at_a_time", "inbox", ["conversation"], unique=True, sqlite_where=_CLAIMED, postgresql_where=_CLAIMED
    )
    op.create_table(
        "transcript",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("conversation", sa.String(240), nullable=False),
        sa.Column("who", sa.String(10), nullable=False),
        sa.Column("member", sa.String(120), nullable=True),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False, index=True),
        sa.Column("inbox_id", sa.Integer, nullable=True, index=True),
        sa.Column("dedupe_key", sa.String(120), nullable=True, unique=True),
        sa.Index("transcript_conversation", "conversation", "id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "handoff",
        sa.Column("conversation", sa.String(240), primary_key=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("since", sa.DateTime, nullable=False, index=True),
        sa.Column("claimed_by", sa.String(120), nullable=True),
        sa.Column("touched_at", sa.DateTime, nullable=False),
        sa.Column("paused_until", sa.DateTime, nullable=True),
        sa.Column("contact", sa.Text, nullable=True),
        sa.Column("contact_wanted_until", sa.DateTime, nullable=True),
    )
    op.create_table(
        "handoff_event",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime, nullable=False, index=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("what", sa.String(10), nullable=False),
        sa.Column("member", sa.String(120), nullable=True),
        sa.Column("waited_s", sa.Integer, nullable=False),
    )
    op.create_table(
        "channel_stop",
        sa.Column("channel", sa.String(20), primary_key=True),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.Column("stopped_by", sa.String(120), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("notice", sa.Text, nullable=True),
    )
    op.add_column("outbox", sa.Column("unanswered", sa.Integer, nullable=False, server_default="0"))
    op.create_index("outbox_waiting", "outbox", ["id"], sqlite_where=_WAITING, postgresql_where=_WAITING)
    op.create_index(
        "outbox_in_order", "outbox", ["channel", "recipient", "id"], sqlite_where=_WAITING, postgresql_where=_WAITING
    )


def downgrade() -> None:
    op.drop_index("outbox_in_order", "outbox")
    op.drop_index("outbox_waiting", "outbox")
    op.drop_column("outbox", "unanswered")
    for table in ("channel_stop", "handoff_event", "handoff", "transcript", "inbox"):
        op.drop_table(table)
