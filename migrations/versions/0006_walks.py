"""A walk along relations, and a facet of sources or sections, read an index alone; and beside a relation stands what a
graph says of its citations."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WALKED = ["id", "causality", "stance", "polarity"]
WIDENED = {
    "relation": {
        ("subject", "predicate", "pk"): ["object", *WALKED],
        ("object", "predicate", "pk"): ["subject", *WALKED],
    },
    "citation": {("record", "pk"): ["source", "section"], ("relation", "pk"): ["source", "section"]},
}


def upgrade() -> None:
    # Nothing is in the table yet: a revision is loaded into tables that are made for it.
    op.add_column("relation", sa.Column("cited", sa.String(), nullable=False, server_default="[]"))
    for table, indexes in WIDENED.items():
        for columns, more in indexes.items():
            _replace(table, columns, more)


def downgrade() -> None:
    for table, indexes in WIDENED.items():
        for columns in indexes:
            _replace(table, columns, [])
    op.drop_column("relation", "cited")


def _replace(table: str, columns: tuple[str, ...], more: list[str]) -> None:
    name = f"ix_{table}_{'_'.join(columns)}"
    op.drop_index(name, table_name=table)
    op.create_index(name, table, [*columns, *more])
