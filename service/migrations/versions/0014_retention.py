"""Days of issued tokens can be deleted, and their proofs stay."""

from service.migrations.script import run_files

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_files("events/schema/0007_retention.sql")
