"""Alembic's entry: run the migrations on the connection, and in the transaction, that is given."""

from alembic import context

attributes = context.config.attributes
context.configure(connection=attributes["connection"], version_table=attributes["version_table"])
context.run_migrations()
