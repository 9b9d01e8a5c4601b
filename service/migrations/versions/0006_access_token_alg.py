"""Clients say what their access tokens are signed with."""

from service.migrations.script import run_files

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_files("projections/schema/0006_access_token_alg.sql")
