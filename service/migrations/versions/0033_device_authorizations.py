"""Devices sign in through a browser elsewhere (RFC 8628)."""

from service.migrations.script import run_files

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    run_files("projections/schema/0016_device_authorizations.sql")
