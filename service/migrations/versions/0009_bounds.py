# pyright: basic
"""What is appended comes in arrays that begin at 1."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"

ROOT = Path(__file__).parents[3]
FILES = ("events/schema/0005_bounds.sql",)


def upgrade() -> None:
    """Whole files at once, as they are: the driver's own connection takes scripts, SQLAlchemy's takes statements."""
    connection = op.get_bind().connection
    for name in FILES:
        script = (ROOT / name).read_text()
        connection.run_async(lambda raw, script=script: raw.execute(script))
