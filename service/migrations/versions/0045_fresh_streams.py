"""A stream whose id was made for an append is not looked for, and appends and records take fewer statements."""

from service.migrations.script import run_files

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    run_files("events/schema/0014_fresh_streams.sql")
