"""Every order that a list may have goes along an index, as do the relations of one record; and a facet that is counted
under a filter reads an index alone."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CLAIM = ["stance", "polarity", "attributed_to"]
INDEXES = {
    "record": {"stated_end_id": ["stated_end", "id"], "pk_claim": ["pk", *CLAIM]},
    "relation": {
        "predicate_id": ["predicate", "id"],
        "subject_pk": ["subject", "pk"],
        "object_pk": ["object", "pk"],
        "stated_end_id": ["stated_end", "id"],
        "pk_claim": ["pk", "subject", "predicate", "object", "causality", *CLAIM],
    },
    "estimate": {f"{name}_id": [name, "id"] for name in ("low", "high", "value")},
}


def upgrade() -> None:
    # Nothing is in the table yet: a revision is loaded into tables that are made for it.
    key = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    op.add_column("estimate", sa.Column("id", key, nullable=False, server_default=""))
    for table, indexes in INDEXES.items():
        for name, columns in indexes.items():
            op.create_index(f"ix_{table}_{name}", table, columns)


def downgrade() -> None:
    for table, indexes in INDEXES.items():
        for name in indexes:
            op.drop_index(f"ix_{table}_{name}", table_name=table)
    op.drop_column("estimate", "id")
