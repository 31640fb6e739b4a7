"""A walk along relations reads an index alone, and finds beside a relation what a graph says of its citations."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ENDS = (("subject", "object"), ("object", "subject"))
WALKED = ["id", "causality", "stance", "polarity"]


def upgrade() -> None:
    # Nothing is in the table yet: a revision is loaded into tables that are made for it.
    op.add_column("relation", sa.Column("cited", sa.String(), nullable=False, server_default="[]"))
    for near, far in ENDS:
        _replace(near, [near, "predicate", "pk", far, *WALKED])


def downgrade() -> None:
    for near, _ in ENDS:
        _replace(near, [near, "predicate", "pk"])
    op.drop_column("relation", "cited")


def _replace(near: str, columns: list[str]) -> None:
    name = f"ix_relation_{near}_predicate_pk"
    op.drop_index(name, table_name="relation")
    op.create_index(name, "relation", columns)
