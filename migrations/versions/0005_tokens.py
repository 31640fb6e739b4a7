"""Search asks one index of tokens, and finds beside it all that a hit shows."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
TARGETS = ("passage", "record", "relation")
PARTS = [f"entry_index_{part}" for part in range(4)]


def upgrade() -> None:
    op.drop_table("entry_index")
    op.drop_table("entry")
    _entry(
        sa.Column("hit", sa.String(), nullable=False),
        sa.Column("hint", sa.String(), nullable=True),
        sa.Column("fields", sa.String(), nullable=False),
        sa.Column("texts", sa.String(), nullable=False),
        sa.Column("places", sa.String(), nullable=False),
        sa.Column("plain", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "stem",
        sa.Column("stem", KEY, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("kinds", sa.String(), nullable=False),
        sa.Column("start", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("stem", name=op.f("pk_stem")),
    )
    op.drop_index(op.f("ix_term_stem"), table_name="term")
    for part in PARTS:
        _part_of_sqlite(part) if op.get_bind().dialect.name == "sqlite" else _part_of_postgresql(part)


def _part_of_sqlite(part: str) -> None:
    op.execute(
        f"CREATE VIRTUAL TABLE {part} USING fts5(tokens, content='', columnsize=0, "
        "tokenize=\"ascii tokenchars '|=@<^$#_'\")"
    )


def _part_of_postgresql(part: str) -> None:
    op.execute(f"CREATE TABLE {part} (rowid integer PRIMARY KEY REFERENCES entry, tokens tsvector NOT NULL)")
    op.execute(f"CREATE INDEX ix_{part}_tokens ON {part} USING gin (tokens) WITH (fastupdate = off)")


def _entry(*more: sa.Column) -> None:
    op.create_table(
        "entry",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in ("record", "relation", "passage")),
        *more,
        *(sa.ForeignKeyConstraint([name], [f"{name}.pk"], name=op.f(f"fk_entry_{name}")) for name in TARGETS),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_entry")),
        *(sa.UniqueConstraint(name, name=op.f(f"uq_entry_{name}")) for name in TARGETS),
    )


def downgrade() -> None:
    for name in (*PARTS, "entry", "stem"):
        op.drop_table(name)
    _entry()
    op.create_index(op.f("ix_term_stem"), "term", ["stem"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE entry_index USING fts5(names, name_stems, body, body_stems, columnsize=0, "
            "prefix='1 2 3', tokenize=\"ascii tokenchars '|'\")"
        )
        return
    op.execute(
        "CREATE TABLE entry_index (rowid integer PRIMARY KEY REFERENCES entry, names text NOT NULL, "
        "name_stems text NOT NULL, body text NOT NULL, body_stems text NOT NULL, "
        "named tsvector NOT NULL, whole tsvector NOT NULL)"
    )
    for column in ("named", "whole"):
        op.execute(f"CREATE INDEX ix_entry_index_{column} ON entry_index USING gin ({column})")
