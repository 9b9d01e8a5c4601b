"""Whether PKCE is required may be as the deployment has it; authorizations say what bound their code."""

from service.migrations.script import run_files

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_files("projections/schema/0005_pkce.sql")
