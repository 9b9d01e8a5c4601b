"""A passkey is of one account."""

from service.migrations.script import run_files

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_files("service/schema/0006_passkeys.sql")
