"""The device of a grant is found by the grant."""

from service.migrations.script import run_files

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    run_files("projections/schema/0020_devices_of_grants.sql")
