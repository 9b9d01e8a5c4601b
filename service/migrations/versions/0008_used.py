"""What was used once stays used after a crash."""

from service.migrations.script import run_files

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_files("service/schema/0005_used.sql")
