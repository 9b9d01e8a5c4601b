"""Events and the tokens that they name are one commit."""

from service.migrations.script import run_files

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    run_files("events/schema/0011_append_with_tokens.sql")
