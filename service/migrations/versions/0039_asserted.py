"""What followed from a trusted issuer is found without reading every authorization and every client."""

from service.migrations.script import run_files

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    run_files("projections/schema/0021_asserted.sql")
