"""APIs are registered, each with its own scopes, and clients are granted them."""

from service.migrations.script import run_files

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    run_files("projections/schema/0015_apis.sql")
