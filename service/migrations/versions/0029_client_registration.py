"""A client may have registered itself: what it says about itself, and the hash of its registration access token."""

from service.migrations.script import run_files

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    run_files("projections/schema/0013_registration.sql")
