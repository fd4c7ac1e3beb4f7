"""Reviews: questions that were not answered well, and what officers marked as right."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "review",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("answered_code", sa.String(40), nullable=True),
        sa.Column("reason", sa.String(30), nullable=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("last_on", sa.Date, nullable=False, index=True),
        sa.Column("state", sa.String(10), nullable=False, index=True),
        sa.Column("right_code", sa.String(40), nullable=True),
        sa.Column("used_for", sa.String(10), nullable=True),
        sa.Column("marked_by", sa.String(120), nullable=True),
        sa.Column("approved_by", sa.String(120), nullable=True),
    )


def downgrade() -> None:
    op.drop_table("review")
