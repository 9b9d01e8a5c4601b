"""Tokens are exchanged for others."""

from service.migrations.script import run_files

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    run_files("projections/schema/0019_exchanges.sql")
