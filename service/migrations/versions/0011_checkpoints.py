"""The checkpoints of the transparency log."""

from service.migrations.script import run_files

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_files("events/schema/0006_checkpoints.sql")
