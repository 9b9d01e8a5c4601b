"""The cosignatures of witnesses."""

from service.migrations.script import run_files

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_files("events/schema/0007_cosignatures.sql")
