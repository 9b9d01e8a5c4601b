"""What is appended comes in arrays that begin at 1."""

from service.migrations.script import run_files

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_files("events/schema/0005_bounds.sql")
