# pyright: basic
"""The log, the issuance log, the first projections, the vault and the limits."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

ROOT = Path(__file__).parents[3]
FILES = (
    "events/schema/0000_roles.sql",
    "events/schema/0001_log.sql",
    "events/schema/0002_issuance.sql",
    "events/schema/0003_grants.sql",
    "projections/schema/0001_tables.sql",
    "service/schema/0001_vault.sql",
    "service/schema/0002_limits.sql",
)


def upgrade() -> None:
    """Whole files at once, as they are: the driver's own connection takes scripts, SQLAlchemy's takes statements."""
    connection = op.get_bind().connection
    for name in FILES:
        script = (ROOT / name).read_text()
        connection.run_async(lambda raw, script=script: raw.execute(script))
    op.execute(
        "grant select on alembic_version to muniment_service"
    )  # so that `serve` sees whether its schema is there
