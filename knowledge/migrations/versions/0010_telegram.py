"""Telegram: what stands behind long buttons, the last message of each talk, chats that are away or have moved."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "telegram_button",
        sa.Column("token", sa.String(22), primary_key=True),
        sa.Column("sender", sa.String(64), nullable=False, index=True),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False, index=True),
    )
    op.create_table(
        "telegram_talk",
        sa.Column("sender", sa.String(64), primary_key=True),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("heard_at", sa.DateTime, nullable=False, index=True),
    )
    op.create_table(
        "telegram_chat",
        sa.Column("chat_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("moved_to", sa.BigInteger, nullable=True),
        sa.Column("unreachable_since", sa.DateTime, nullable=True, index=True),
    )


def downgrade() -> None:
    for table in ("telegram_chat", "telegram_talk", "telegram_button"):
        op.drop_table(table)
