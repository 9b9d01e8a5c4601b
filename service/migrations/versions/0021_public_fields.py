"""The view of events says what they say, and finds them by their time."""

from service.migrations.script import run_files

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_files("events/schema/0010_public_fields.sql")
