"""Publishes the views: when the service begins to follow, and again when a table that a view reads is replaced by another."""

from collections.abc import Iterable
from hashlib import sha256

from events import locks
from events.database import Connection
from projections.views import access, delegation, directory, past
from projections.views.view import View

VIEWS: tuple[View, ...] = (*directory.VIEWS, *access.VIEWS, *delegation.VIEWS, *past.VIEWS)

MADE = "select relname as name from pg_class where relnamespace = 'muniment'::regnamespace and relname = any($1::text[]) order by 1"
ONE_AT_A_TIME = locks.in_transaction(locks.INSTALLATION)
PUBLISHED = "select name, digest from read.published_views"
KEEP = """
insert into read.published_views (name, digest) values ($1, $2) on conflict (name) do update set digest = excluded.digest
"""
THERE = "select coalesce(bool_and(to_regclass('read.' || quote_ident(name)) is not null), true) from unnest($1::text[]) as name"


async def publish(connection: Connection) -> None:
    """Creates the views that are missing or were made by another version, if the tables that they read are there."""
    published = {row["name"]: row["digest"] for row in await connection.fetch(PUBLISHED)}
    for view in VIEWS:
        if published.get(view.name) != _digest(view) and await connection.fetchval(THERE, view.tables):
            async with connection.transaction():
                await connection.execute(ONE_AT_A_TIME)
                await _make(connection, [view])


async def move(connection: Connection, table: str) -> None:
    """Moves the views to the table that has this name now, in the transaction that renamed it."""
    reading = {view.name: view for view in VIEWS if table in view.tables}
    made = await connection.fetch(MADE, list(reading))
    await _make(connection, [reading[row["name"]] for row in made])


async def _make(connection: Connection, views: Iterable[View]) -> None:
    for view in views:
        await connection.execute(view.sql)
        await connection.execute(KEEP, view.name, _digest(view))


def _digest(view: View) -> str:
    return sha256(view.sql.encode()).hexdigest()
