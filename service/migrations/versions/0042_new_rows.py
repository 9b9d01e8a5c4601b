"""A row of a stream that has none yet is inserted only."""

from service.migrations.script import run_files

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    run_files("projections/schema/0023_new_rows.sql")
