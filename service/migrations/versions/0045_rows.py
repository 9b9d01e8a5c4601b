"""The rows of a batch's inline projections are one value, which Postgres parses once."""

from service.migrations.script import run_files

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    run_files("events/schema/0014_rows.sql", "projections/schema/0025_rows.sql")
