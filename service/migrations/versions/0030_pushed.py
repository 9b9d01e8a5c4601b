"""Pushed authorization requests."""

from service.migrations.script import run_files

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run_files("service/schema/0008_pushed.sql")
