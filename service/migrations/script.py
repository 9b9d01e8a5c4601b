# pyright: basic
"""The steps of a migration. Alembic runs them in the transaction of `service.migrations.run`."""

from pathlib import Path

from alembic import op

ROOT = Path(__file__).parents[2]


def run_files(*names: str) -> None:
    """Runs these SQL files; the names are relative to the root of the project."""
    for name in names:
        run((ROOT / name).read_text())


def run(script: str) -> None:
    """Runs an SQL script. It uses the driver's own connection, because SQLAlchemy's takes only one statement."""
    op.get_bind().connection.run_async(lambda raw: raw.execute(script))
