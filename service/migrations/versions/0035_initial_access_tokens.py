"""Initial access tokens, with which clients register themselves."""

from service.migrations.script import run_files

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    run_files("projections/schema/0018_initial_access_tokens.sql")
