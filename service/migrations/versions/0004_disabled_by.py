"""Clients know who disabled them."""

from service.migrations.script import run_files

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_files("projections/schema/0004_disabled_by.sql")
