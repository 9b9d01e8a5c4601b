"""A client has public keys, with which it authenticates instead of a secret."""

from service.migrations.script import run_files

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    run_files("projections/schema/0017_client_keys.sql")
