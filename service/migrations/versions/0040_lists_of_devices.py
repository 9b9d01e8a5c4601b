"""The device authorizations of a client or of a user are listed without reading all."""

from service.migrations.script import run_files

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    run_files("projections/schema/0022_lists_of_devices.sql")
