"""Raters, interviews, what was asked and what was done."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Makes the first tables."""
    op.create_table(
        "raters",
        sa.Column("rater_id", sa.String(128), primary_key=True),
        sa.Column("label", sa.Text()),
        sa.Column("consent", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_table(
        "interviews",
        sa.Column("interview_id", sa.String(128), primary_key=True),
        sa.Column("rater_id", sa.String(128), sa.ForeignKey("raters.rater_id"), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("stopped", sa.Text()),
        sa.Column("resume_hash", sa.String(64), unique=True),
    )
    op.create_index("ix_interviews_rater_id", "interviews", ["rater_id"])
    op.create_table(
        "asked",
        sa.Column("interview_id", sa.String(128), sa.ForeignKey("interviews.interview_id"), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(128), nullable=False),
        sa.Column("question", sa.JSON(), nullable=False),
        sa.Column("planner", sa.Text(), nullable=False),
        sa.Column("gain_bits", sa.Float(53)),
        sa.Column("repeat_of", sa.String(128)),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("shown_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("interview_id", "place"),
        sa.UniqueConstraint("interview_id", "token"),
    )
    op.create_table(
        "entries",
        sa.Column("interview_id", sa.String(128), sa.ForeignKey("interviews.interview_id"), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(128), nullable=False),
        sa.Column("token", sa.String(128)),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("answer", sa.Integer()),
        sa.Column("item", sa.Text()),
        sa.Column("response_ms", sa.Integer()),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("next_token", sa.String(128)),
        sa.PrimaryKeyConstraint("interview_id", "place"),
        sa.UniqueConstraint("interview_id", "entry_id"),
        sa.ForeignKeyConstraint(["interview_id", "token"], ["asked.interview_id", "asked.token"]),
        sa.ForeignKeyConstraint(["interview_id", "next_token"], ["asked.interview_id", "asked.token"]),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
