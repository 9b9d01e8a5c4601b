"""What retention keeps of a day tells the scopes and audiences of its tokens."""

from service.migrations.script import run_files

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_files("events/schema/0009_usage.sql")
