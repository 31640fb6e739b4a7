"""What is found first by the words that are in many entries."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    op.create_table(
        "first_hit",
        sa.Column("stem", key, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("number", "tier", "entry")),
        sa.Column("hit", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entry.pk"], name=op.f("fk_first_hit_entry")),
        sa.PrimaryKeyConstraint("stem", "number", name=op.f("pk_first_hit")),
    )


def downgrade() -> None:
    op.drop_table("first_hit")
