"""The migrations of the schema. Alembic runs the versions; their SQL stands beside the code that uses the tables."""
