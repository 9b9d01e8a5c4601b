"""The result of the last verification of each projection is kept."""

from service.migrations.script import run_files

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_files("projections/schema/0008_verifications.sql")
