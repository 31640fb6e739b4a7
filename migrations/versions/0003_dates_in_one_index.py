"""An index with all that the timeline counts, so that it need not read the records."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ["kind", "stated_start", "stated_end", "earliest_start", "latest_end"]


def upgrade() -> None:
    op.create_index("ix_record_dates", "record", COLUMNS, unique=False)


def downgrade() -> None:
    op.drop_index("ix_record_dates", table_name="record")
