"""How far the audit webhook has confirmed the events."""

from service.migrations.script import run_files

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_files("service/schema/0007_webhook.sql")
