"""Clients are sorted by name and by their last use; the open sessions of all users are listed."""

from service.migrations.script import run_files

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_files("projections/schema/0010_lists.sql")
