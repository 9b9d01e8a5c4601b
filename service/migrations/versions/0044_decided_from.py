"""An authorization is appended only if nothing that it was decided from has changed."""

from service.migrations.script import run_files

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    run_files("events/schema/0013_decided_from.sql")
