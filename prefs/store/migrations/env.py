"""Alembic's entry: migrates over the connection, and in the transaction, that the store gives."""

from alembic import context

from prefs.store.schema import VERSION_TABLE
from prefs.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
