"""No parallel plan calls log.public_fields: until version 17, Postgres refuses a block that handles exceptions in one."""

from service.migrations.script import run

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run("alter function log.public_fields(bytea) parallel unsafe")
