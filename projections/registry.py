"""Every projection, by name. A new one of Muniment's own is one file, and one line here."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from events.codec import Event, type_of
from events.log import Change
from projections import (
    authorizations,
    bots,
    client_history,
    clients,
    consents,
    last_used,
    packages,
    revoked_tokens,
    sessions,
    signing_keys,
    users,
)
from projections.catch_up import CatchUp
from projections.packages import Installed
from projections.table import Table

Projection = Table | CatchUp[Any, Any]

PROJECTIONS: dict[str, Projection] = {
    projection.name: projection
    for projection in (
        clients.TABLE,
        bots.TABLE,
        signing_keys.TABLE,
        revoked_tokens.TABLE,
        users.TABLE,
        sessions.TABLE,
        consents.TABLE,
        authorizations.TABLE,
        last_used.PROJECTION,
        client_history.PROJECTION,
    )
}

INLINE: dict[str, Table] = {name: table for name, table in PROJECTIONS.items() if isinstance(table, Table)}
"""Those that are written in the append's own transaction."""


def changes(stream: UUID, past: Sequence[Event], new: Sequence[Event]) -> tuple[Change, ...]:
    """The stream's new row in each inline table that follows one of the new events."""
    kinds = {type_of(event) for event in new}
    return tuple(table.change(stream, [*past, *new]) for table in INLINE.values() if not kinds.isdisjoint(table.tags))


def catch_up() -> list[CatchUp[Any, Any]]:
    """Muniment's own that follow a log from a checkpoint of their own."""
    return [projection for projection in PROJECTIONS.values() if isinstance(projection, CatchUp)]


@cache
def of_packages() -> Installed:
    """Those of installed packages. The first call imports the packages, which may take long."""
    return packages.load()


def everything() -> dict[str, Projection]:
    """All of them, by the names that commands call them; Muniment's own first."""
    return {**PROJECTIONS, **of_packages().projections}


def find(name: str) -> Projection:
    """Raises KeyError."""
    return PROJECTIONS[name] if name in PROJECTIONS else of_packages().projections[name]
