"""Rows that are changed or kept with each exchange have room where they are."""

from service.migrations.script import run_files

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    run_files("events/schema/0012_answers.sql", "projections/schema/0024_room.sql")
