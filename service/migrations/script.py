# pyright: basic
"""The steps of a migration. Alembic runs them in the transaction of `service.migrations.run`."""

from pathlib import Path

from alembic import op

ROOT = Path(__file__).parents[2]


def run_files(*names: str) -> None:
    """Run these SQL files, named from the root of the project."""
    for name in names:
        run((ROOT / name).read_text())


def run(script: str) -> None:
    """Run SQL of any number of statements. The driver's own connection takes a whole script; SQLAlchemy's takes one statement."""
    op.get_bind().connection.run_async(lambda raw: raw.execute(script))
