"""Watch: who asked, with consent, to be told when a dossier changes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "watch",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("system", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("recipient", sa.String(200), nullable=False),
        sa.Column("slot", sa.SmallInteger, nullable=False),
        sa.Column("seen", sa.JSON, nullable=False),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("next_at", sa.DateTime, nullable=False, index=True),
        sa.Column("claim", sa.String(32), nullable=True),
        sa.Column("consent_at", sa.DateTime, nullable=False),
        sa.Column("consent_version", sa.String(20), nullable=False),
        sa.Column("ends_at", sa.DateTime, nullable=False, index=True),
        sa.UniqueConstraint("channel", "recipient", "slot", name="watch_slot"),
        sa.UniqueConstraint("channel", "recipient", "code", name="watch_code"),
    )


def downgrade() -> None:
    op.drop_table("watch")
