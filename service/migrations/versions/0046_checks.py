"""Rows that are computed where they are stored are not checked once more."""

from service.migrations.script import run_files

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    run_files("events/schema/0015_checks.sql", "projections/schema/0026_checks.sql")
