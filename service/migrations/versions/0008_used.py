# pyright: basic
"""What was used once stays used after a crash."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"

ROOT = Path(__file__).parents[3]
FILES = ("service/schema/0005_used.sql",)


def upgrade() -> None:
    """Whole files at once, as they are: the driver's own connection takes scripts, SQLAlchemy's takes statements."""
    connection = op.get_bind().connection
    for name in FILES:
        script = (ROOT / name).read_text()
        connection.run_async(lambda raw, script=script: raw.execute(script))
