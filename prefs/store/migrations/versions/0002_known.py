"""What people tell beforehand."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table of what is told beforehand."""
    op.create_table(
        "known",
        sa.Column("rater_id", sa.String(128), sa.ForeignKey("raters.rater_id"), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(128), nullable=False),
        sa.Column("question", sa.JSON()),
        sa.Column("answer", sa.Integer()),
        sa.Column("note", sa.Text()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("rater_id", "place"),
        sa.UniqueConstraint("rater_id", "entry_id"),
    )
