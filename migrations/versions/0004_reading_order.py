"""Keys in reading order: indexes that end in them, zones that dates are looked for in, and counts made beforehand."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DROPPED = {
    "record": [
        ["kind", "stated_start", "id"], ["kind", "stated_end"], ["attributed_to"],
    ],
    "relation": [["attributed_to"], ["subject", "predicate"], ["object", "predicate"], ["predicate", "stated_start"]],
    "citation": [["record"], ["relation"], ["source"], ["section"]],
    **{kind: [["type"]] for kind in ("event", "policy", "organization", "place", "source")},
}  # fmt: skip
ADDED = {
    "record": [
        ["kind", "stated_end", "id"], ["kind", "id"], ["name_key", "id"], ["stated_start", "id"],
        ["stance", "pk"], ["polarity", "pk"], ["attributed_to", "pk"],
    ],
    "relation": [
        ["subject", "object", "predicate"], ["object", "subject", "predicate"],
        ["subject", "predicate", "pk"], ["object", "predicate", "pk"], ["predicate", "pk"],
        ["stance", "pk"], ["polarity", "pk"], ["attributed_to", "pk"],
    ],
    "citation": [
        ["record", "pk"], ["relation", "pk"], ["source", "pk"], ["section", "pk"],
        ["source", "relation", "record"], ["section", "relation", "record"],
    ],
    **{kind: [["type", "pk"]] for kind in ("event", "policy", "organization", "place", "source")},
}  # fmt: skip
OLD_DATES = ["kind", "stated_start", "stated_end", "earliest_start", "latest_end"]


def upgrade() -> None:
    for table, indexes in DROPPED.items():
        for columns in indexes:
            op.drop_index(_name(table, columns), table_name=table)
    op.drop_index("ix_record_dates", table_name="record")
    for table, indexes in ADDED.items():
        for columns in indexes:
            op.create_index(_name(table, columns), table, columns)
    _table("shelf", ["kind"], ["first", "last_dated", "last"])
    runs = ["first_start", "last_start", "last_end", "soonest", "latest"]
    _table("zone", ["of"], runs, numbered=["size", "number"])
    _table("extent", ["kind", "type"], ["total", "dated"], nullable=["first_day", "last_day"])
    counts = ["starting", "ending", "soonest", "latest", "inside"]
    _table("bucket", ["kind", "type", "size"], counts, numbered=["number"])
    op.create_table(
        "facet_count",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("list", "facet", "document")),
        sa.PrimaryKeyConstraint("list", "facet", name=op.f("pk_facet_count")),
    )


def downgrade() -> None:
    for table in ("facet_count", "bucket", "extent", "zone", "shelf"):
        op.drop_table(table)
    for table, indexes in ADDED.items():
        for columns in indexes:
            op.drop_index(_name(table, columns), table_name=table)
    for table, indexes in DROPPED.items():
        for columns in indexes:
            op.create_index(_name(table, columns), table, columns)
    op.create_index("ix_record_dates", "record", OLD_DATES)


def _name(table: str, columns: list[str]) -> str:
    return f"ix_{table}_{'_'.join(columns)}"


def _table(
    name: str, words: list[str], numbers: list[str], *, numbered: list[str] | None = None,
    nullable: list[str] | None = None,
) -> None:  # fmt: skip
    keys = [*words, *(numbered or [])]
    op.create_table(
        name,
        *(sa.Column(word, sa.String(), nullable=False) for word in words),
        *(sa.Column(number, sa.Integer(), nullable=False) for number in [*(numbered or []), *numbers]),
        *(sa.Column(number, sa.Integer(), nullable=True) for number in nullable or []),
        sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}"),
    )
