# pyright: basic
"""A passkey is of one account."""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"

ROOT = Path(__file__).parents[3]
FILES = ("service/schema/0006_passkeys.sql",)


def upgrade() -> None:
    """Whole files at once, as they are: the driver's own connection takes scripts, SQLAlchemy's takes statements."""
    connection = op.get_bind().connection
    for name in FILES:
        script = (ROOT / name).read_text()
        connection.run_async(lambda raw, script=script: raw.execute(script))
