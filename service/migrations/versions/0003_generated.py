# pyright: basic
"""The upsert of the inline projections is generated from the tables' columns."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"

ROOT = Path(__file__).parents[3]
FILES = ("projections/schema/0003_generated.sql",)


def upgrade() -> None:
    """Whole files at once, as they are: the driver's own connection takes scripts, SQLAlchemy's takes statements."""
    connection = op.get_bind().connection
    for name in FILES:
        script = (ROOT / name).read_text()
        connection.run_async(lambda raw, script=script: raw.execute(script))
