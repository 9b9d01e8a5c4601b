"""People can query views with a role of their own."""

from service.migrations.script import run_files

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_files("projections/schema/0007_views.sql")
