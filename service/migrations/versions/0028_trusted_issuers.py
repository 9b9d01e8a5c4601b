"""Tokens of other servers can be trusted."""

from service.migrations.script import run_files

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run_files("projections/schema/0012_trusted_issuers.sql")
