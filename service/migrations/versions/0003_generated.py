"""The upsert of the inline projections is generated from the tables' columns."""

from service.migrations.script import run_files

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_files("projections/schema/0003_generated.sql")
