"""The database hashes what is appended, and takes nothing of it on trust."""

from service.migrations.script import run_files

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_files("events/schema/0004_append.sql")
