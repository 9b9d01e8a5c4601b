# pyright: basic
"""Clients say what their access tokens are signed with."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"

ROOT = Path(__file__).parents[3]
FILES = ("projections/schema/0006_access_token_alg.sql",)


def upgrade() -> None:
    """Whole files at once, as they are: the driver's own connection takes scripts, SQLAlchemy's takes statements."""
    connection = op.get_bind().connection
    for name in FILES:
        script = (ROOT / name).read_text()
        connection.run_async(lambda raw, script=script: raw.execute(script))
