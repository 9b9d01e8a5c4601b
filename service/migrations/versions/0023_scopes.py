"""Clients are found by scope."""

from service.migrations.script import run_files

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_files("projections/schema/0009_scopes.sql")
