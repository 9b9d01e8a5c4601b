"""A client has public keys, with which it authenticates instead of a secret."""

from service.migrations.script import run_files

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run_files("projections/schema/0014_client_keys.sql")
