# pyright: basic
"""People: accounts, sessions, consents and authorizations."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"

ROOT = Path(__file__).parents[3]
FILES = (
    "projections/schema/0002_people.sql",
    "service/schema/0003_people.sql",
)


def upgrade() -> None:
    """Whole files at once, as they are: the driver's own connection takes scripts, SQLAlchemy's takes statements."""
    connection = op.get_bind().connection
    for name in FILES:
        script = (ROOT / name).read_text()
        connection.run_async(lambda raw, script=script: raw.execute(script))
