"""The schema, step by step: Alembic runs the versions, the SQL lives beside the code that it serves."""
