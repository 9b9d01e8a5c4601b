"""A client may have a metadata document, at the URL that is its client_id."""

from service.migrations.script import run_files

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run_files("projections/schema/0014_document.sql")
