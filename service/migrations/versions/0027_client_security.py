"""A client has security settings: how it authenticates, and what its requests and tokens must be bound to."""

from service.migrations.script import run_files

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_files("projections/schema/0011_security.sql")
