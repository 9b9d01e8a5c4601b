"""The rows of a batch's inline projections are one value, and an append without a token may depend on other streams, too."""

from service.migrations.script import run_files

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    run_files("events/schema/0013_rows.sql", "projections/schema/0025_rows.sql")
