"""People: accounts, sessions, consents and authorizations."""

from service.migrations.script import run_files

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_files(
        "projections/schema/0002_people.sql",
        "service/schema/0003_people.sql",
    )
