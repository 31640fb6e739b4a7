"""Alembic's environment: `app.load` hands the connection in, and the `alembic` command takes the settings' database."""

from alembic import context
from sqlalchemy import Connection, create_engine

from app.models import is_modelled, metadata
from app.settings import Settings


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=metadata, compare_server_default=True, include_name=is_modelled
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with create_engine(Settings().database_url).connect() as opened:
        migrate(opened)
