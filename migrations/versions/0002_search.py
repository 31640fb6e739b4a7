"""What is searched, and the words in it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "entry",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("record", sa.Integer(), nullable=True),
        sa.Column("relation", sa.Integer(), nullable=True),
        sa.Column("passage", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["passage"], ["passage.pk"], name=op.f("fk_entry_passage")),
        sa.ForeignKeyConstraint(["record"], ["record.pk"], name=op.f("fk_entry_record")),
        sa.ForeignKeyConstraint(["relation"], ["relation.pk"], name=op.f("fk_entry_relation")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_entry")),
        sa.UniqueConstraint("passage", name=op.f("uq_entry_passage")),
        sa.UniqueConstraint("record", name=op.f("uq_entry_record")),
        sa.UniqueConstraint("relation", name=op.f("uq_entry_relation")),
    )
    op.create_table(
        "term",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("word", KEY, nullable=False),
        sa.Column("stem", KEY, nullable=False),
        sa.Column("initial", KEY, nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("shown", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_term")),
        sa.UniqueConstraint("word", name=op.f("uq_term_word")),
    )
    op.create_index("ix_term_initial_length_pk", "term", ["initial", "length", "pk"], unique=False)
    op.create_index(op.f("ix_term_stem"), "term", ["stem"], unique=False)
    _index_of_sqlite() if op.get_bind().dialect.name == "sqlite" else _index_of_postgresql()


def _index_of_sqlite() -> None:
    # The words are cut already; `|` keeps a phrase from running over from one text into the next.
    op.execute(
        "CREATE VIRTUAL TABLE entry_index USING fts5(names, name_stems, body, body_stems, columnsize=0, "
        "prefix='1 2 3', tokenize=\"ascii tokenchars '|'\")"
    )


def _index_of_postgresql() -> None:
    op.execute(
        "CREATE TABLE entry_index (rowid integer PRIMARY KEY REFERENCES entry, names text NOT NULL, "
        "name_stems text NOT NULL, body text NOT NULL, body_stems text NOT NULL, "
        "named tsvector NOT NULL, whole tsvector NOT NULL)"
    )
    for column in ("named", "whole"):
        op.execute(f"CREATE INDEX ix_entry_index_{column} ON entry_index USING gin ({column})")


def downgrade() -> None:
    op.drop_table("entry_index")
    op.drop_index(op.f("ix_term_stem"), table_name="term")
    op.drop_index("ix_term_initial_length_pk", table_name="term")
    op.drop_table("term")
    op.drop_table("entry")
