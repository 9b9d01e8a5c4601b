"""The issuance log answers which tokens a secret or a client got."""

from service.migrations.script import run_files

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_files("events/schema/0008_issuance_indexes.sql")
