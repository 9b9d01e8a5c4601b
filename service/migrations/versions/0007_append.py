# pyright: basic
"""The database hashes what is appended, and takes nothing of it on trust."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"

ROOT = Path(__file__).parents[3]
FILES = ("events/schema/0004_append.sql",)


def upgrade() -> None:
    """Whole files at once, as they are: the driver's own connection takes scripts, SQLAlchemy's takes statements."""
    connection = op.get_bind().connection
    for name in FILES:
        script = (ROOT / name).read_text()
        connection.run_async(lambda raw, script=script: raw.execute(script))
