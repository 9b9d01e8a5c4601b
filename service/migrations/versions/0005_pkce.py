# pyright: basic
"""Whether PKCE is required may be as the deployment has it; authorizations say what bound their code."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"

ROOT = Path(__file__).parents[3]
FILES = ("projections/schema/0005_pkce.sql",)


def upgrade() -> None:
    """Whole files at once, as they are: the driver's own connection takes scripts, SQLAlchemy's takes statements."""
    connection = op.get_bind().connection
    for name in FILES:
        script = (ROOT / name).read_text()
        connection.run_async(lambda raw, script=script: raw.execute(script))
