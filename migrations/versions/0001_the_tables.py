"""The tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "record",
        sa.Column("stance", sa.String(), nullable=False),
        sa.Column("polarity", sa.String(), nullable=False),
        sa.Column("attributed_to", sa.Integer(), nullable=True),
        sa.Column("date_text", sa.String(), nullable=True),
        sa.Column("edtf", sa.String(), nullable=True),
        sa.Column("earliest_start", sa.Integer(), nullable=True),
        sa.Column("latest_start", sa.Integer(), nullable=True),
        sa.Column("earliest_end", sa.Integer(), nullable=True),
        sa.Column("latest_end", sa.Integer(), nullable=True),
        sa.Column("stated_start", sa.Integer(), nullable=True),
        sa.Column("stated_end", sa.Integer(), nullable=True),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('event', 'person', 'policy', 'estimate', 'organization', 'place', 'quote', 'source')",
            name=op.f("ck_record_kind"),
        ),
        sa.CheckConstraint(
            "stance IN ('asserted', 'evaluative', 'attributed', 'depicted', 'goal', 'proposal', 'counterfactual')",
            name=op.f("ck_record_stance"),
        ),
        sa.CheckConstraint("stated_start <= stated_end", name=op.f("ck_record_stated_order")),
        sa.ForeignKeyConstraint(
            ["attributed_to"],
            ["record.pk"],
            name=op.f("fk_record_attributed_to"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_record")),
        sa.UniqueConstraint("id", name=op.f("uq_record_id")),
    )
    op.create_index(op.f("ix_record_attributed_to"), "record", ["attributed_to"], unique=False)
    op.create_index("ix_record_kind_name_key_id", "record", ["kind", "name_key", "id"], unique=False)
    op.create_index("ix_record_kind_stated_end", "record", ["kind", "stated_end"], unique=False)
    op.create_index("ix_record_kind_stated_start_id", "record", ["kind", "stated_start", "id"], unique=False)
    op.create_table(
        "revision",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_revision")),
    )
    op.create_table(
        "word",
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("field", "word", name=op.f("pk_word")),
    )
    op.create_table(
        "alias",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("record", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("in_source", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["record"], ["record.pk"], name=op.f("fk_alias_record")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_alias")),
    )
    op.create_index(op.f("ix_alias_name"), "alias", ["name"], unique=False)
    op.create_index(op.f("ix_alias_record"), "alias", ["record"], unique=False)
    op.create_table(
        "estimate",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("subject", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("approximate", sa.Boolean(), nullable=False),
        sa.CheckConstraint("low <= high", name=op.f("ck_estimate_range")),
        sa.CheckConstraint("low <= value AND value <= high", name=op.f("ck_estimate_value")),
        sa.ForeignKeyConstraint(["pk"], ["record.pk"], name=op.f("fk_estimate_pk")),
        sa.ForeignKeyConstraint(["place"], ["record.pk"], name=op.f("fk_estimate_place")),
        sa.ForeignKeyConstraint(["subject"], ["record.pk"], name=op.f("fk_estimate_subject")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_estimate")),
    )
    op.create_index(op.f("ix_estimate_measure"), "estimate", ["measure"], unique=False)
    op.create_index(op.f("ix_estimate_place"), "estimate", ["place"], unique=False)
    op.create_index(op.f("ix_estimate_subject"), "estimate", ["subject"], unique=False)
    op.create_table(
        "event",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["pk"], ["record.pk"], name=op.f("fk_event_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_type"), "event", ["type"], unique=False)
    op.create_table(
        "organization",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("name_known", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["pk"], ["record.pk"], name=op.f("fk_organization_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_organization")),
    )
    op.create_index(op.f("ix_organization_type"), "organization", ["type"], unique=False)
    op.create_table(
        "passage",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("start_offset", sa.Integer(), nullable=False),
        sa.Column("end_offset", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("document", sa.String(), nullable=False),
        sa.CheckConstraint("start_offset < end_offset", name=op.f("ck_passage_span")),
        sa.ForeignKeyConstraint(["source"], ["record.pk"], name=op.f("fk_passage_source")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_passage")),
        sa.UniqueConstraint("id", name=op.f("uq_passage_id")),
    )
    op.create_index(op.f("ix_passage_section"), "passage", ["section"], unique=False)
    op.create_index(op.f("ix_passage_source"), "passage", ["source"], unique=False)
    op.create_table(
        "person",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("name_known", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["pk"], ["record.pk"], name=op.f("fk_person_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_person")),
    )
    op.create_table(
        "place",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["pk"], ["record.pk"], name=op.f("fk_place_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_place")),
    )
    op.create_index(op.f("ix_place_type"), "place", ["type"], unique=False)
    op.create_table(
        "policy",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["pk"], ["record.pk"], name=op.f("fk_policy_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_policy")),
    )
    op.create_index(op.f("ix_policy_type"), "policy", ["type"], unique=False)
    op.create_table(
        "quote",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("speaker", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["pk"], ["record.pk"], name=op.f("fk_quote_pk")),
        sa.ForeignKeyConstraint(["speaker"], ["record.pk"], name=op.f("fk_quote_speaker")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_quote")),
    )
    op.create_index(op.f("ix_quote_speaker"), "quote", ["speaker"], unique=False)
    op.create_table(
        "quote_subject",
        sa.Column("quote", sa.Integer(), nullable=False),
        sa.Column("record", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["quote"], ["record.pk"], name=op.f("fk_quote_subject_quote")),
        sa.ForeignKeyConstraint(["record"], ["record.pk"], name=op.f("fk_quote_subject_record")),
        sa.PrimaryKeyConstraint("quote", "record", name=op.f("pk_quote_subject")),
    )
    op.create_index(op.f("ix_quote_subject_record"), "quote_subject", ["record"], unique=False)
    op.create_table(
        "relation",
        sa.Column("stance", sa.String(), nullable=False),
        sa.Column("polarity", sa.String(), nullable=False),
        sa.Column("attributed_to", sa.Integer(), nullable=True),
        sa.Column("date_text", sa.String(), nullable=True),
        sa.Column("edtf", sa.String(), nullable=True),
        sa.Column("earliest_start", sa.Integer(), nullable=True),
        sa.Column("latest_start", sa.Integer(), nullable=True),
        sa.Column("earliest_end", sa.Integer(), nullable=True),
        sa.Column("latest_end", sa.Integer(), nullable=True),
        sa.Column("stated_start", sa.Integer(), nullable=True),
        sa.Column("stated_end", sa.Integer(), nullable=True),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("subject", sa.Integer(), nullable=False),
        sa.Column("predicate", sa.String(), nullable=False),
        sa.Column("object", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("causality", sa.String(), nullable=True),
        sa.Column("document", sa.String(), nullable=False),
        sa.CheckConstraint("(causality IS NOT NULL) = (predicate = 'caused')", name=op.f("ck_relation_causality")),
        sa.CheckConstraint(
            "stance IN ('asserted', 'evaluative', 'attributed', 'depicted', 'goal', 'proposal', 'counterfactual')",
            name=op.f("ck_relation_stance"),
        ),
        sa.ForeignKeyConstraint(["attributed_to"], ["record.pk"], name=op.f("fk_relation_attributed_to")),
        sa.ForeignKeyConstraint(["object"], ["record.pk"], name=op.f("fk_relation_object")),
        sa.ForeignKeyConstraint(["subject"], ["record.pk"], name=op.f("fk_relation_subject")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_relation")),
        sa.UniqueConstraint("id", name=op.f("uq_relation_id")),
    )
    op.create_index(op.f("ix_relation_attributed_to"), "relation", ["attributed_to"], unique=False)
    op.create_index("ix_relation_object_predicate", "relation", ["object", "predicate"], unique=False)
    op.create_index("ix_relation_predicate_stated_start", "relation", ["predicate", "stated_start"], unique=False)
    op.create_index("ix_relation_subject_predicate", "relation", ["subject", "predicate"], unique=False)
    op.create_table(
        "source",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["pk"], ["record.pk"], name=op.f("fk_source_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_source")),
    )
    op.create_index(op.f("ix_source_type"), "source", ["type"], unique=False)
    op.create_table(
        "citation",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("record", sa.Integer(), nullable=True),
        sa.Column("relation", sa.Integer(), nullable=True),
        sa.Column("passage", sa.Integer(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("start_offset", sa.Integer(), nullable=False),
        sa.Column("end_offset", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.CheckConstraint("status IN ('verified', 'unverified')", name=op.f("ck_citation_status")),
        sa.CheckConstraint("(record IS NULL) <> (relation IS NULL)", name=op.f("ck_citation_one_target")),
        sa.CheckConstraint("start_offset < end_offset", name=op.f("ck_citation_span")),
        sa.ForeignKeyConstraint(["passage"], ["passage.pk"], name=op.f("fk_citation_passage")),
        sa.ForeignKeyConstraint(["record"], ["record.pk"], name=op.f("fk_citation_record")),
        sa.ForeignKeyConstraint(["relation"], ["relation.pk"], name=op.f("fk_citation_relation")),
        sa.ForeignKeyConstraint(["source"], ["record.pk"], name=op.f("fk_citation_source")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_citation")),
        sa.UniqueConstraint("id", name=op.f("uq_citation_id")),
    )
    op.create_index(op.f("ix_citation_passage"), "citation", ["passage"], unique=False)
    op.create_index(op.f("ix_citation_record"), "citation", ["record"], unique=False)
    op.create_index(op.f("ix_citation_relation"), "citation", ["relation"], unique=False)
    op.create_index(op.f("ix_citation_section"), "citation", ["section"], unique=False)
    op.create_index(op.f("ix_citation_source"), "citation", ["source"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_citation_source"), table_name="citation")
    op.drop_index(op.f("ix_citation_section"), table_name="citation")
    op.drop_index(op.f("ix_citation_relation"), table_name="citation")
    op.drop_index(op.f("ix_citation_record"), table_name="citation")
    op.drop_index(op.f("ix_citation_passage"), table_name="citation")
    op.drop_table("citation")
    op.drop_index(op.f("ix_source_type"), table_name="source")
    op.drop_table("source")
    op.drop_index("ix_relation_subject_predicate", table_name="relation")
    op.drop_index("ix_relation_predicate_stated_start", table_name="relation")
    op.drop_index("ix_relation_object_predicate", table_name="relation")
    op.drop_index(op.f("ix_relation_attributed_to"), table_name="relation")
    op.drop_table("relation")
    op.drop_index(op.f("ix_quote_subject_record"), table_name="quote_subject")
    op.drop_table("quote_subject")
    op.drop_index(op.f("ix_quote_speaker"), table_name="quote")
    op.drop_table("quote")
    op.drop_index(op.f("ix_policy_type"), table_name="policy")
    op.drop_table("policy")
    op.drop_index(op.f("ix_place_type"), table_name="place")
    op.drop_table("place")
    op.drop_table("person")
    op.drop_index(op.f("ix_passage_source"), table_name="passage")
    op.drop_index(op.f("ix_passage_section"), table_name="passage")
    op.drop_table("passage")
    op.drop_index(op.f("ix_organization_type"), table_name="organization")
    op.drop_table("organization")
    op.drop_index(op.f("ix_event_type"), table_name="event")
    op.drop_table("event")
    op.drop_index(op.f("ix_estimate_subject"), table_name="estimate")
    op.drop_index(op.f("ix_estimate_place"), table_name="estimate")
    op.drop_index(op.f("ix_estimate_measure"), table_name="estimate")
    op.drop_table("estimate")
    op.drop_index(op.f("ix_alias_record"), table_name="alias")
    op.drop_index(op.f("ix_alias_name"), table_name="alias")
    op.drop_table("alias")
    op.drop_table("word")
    op.drop_table("revision")
    op.drop_index("ix_record_kind_stated_start_id", table_name="record")
    op.drop_index("ix_record_kind_stated_end", table_name="record")
    op.drop_index("ix_record_kind_name_key_id", table_name="record")
    op.drop_index(op.f("ix_record_attributed_to"), table_name="record")
    op.drop_table("record")
