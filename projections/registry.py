"""Every projection, by name. A new one is one file, and one line here."""

from typing import Any

from projections import (
    authorizations,
    bots,
    client_history,
    clients,
    consents,
    last_used,
    revoked_tokens,
    sessions,
    signing_keys,
    users,
)
from projections.catch_up import CatchUp
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


def catch_up() -> list[CatchUp[Any, Any]]:
    """Those that follow a log from a checkpoint of their own."""
    return [projection for projection in PROJECTIONS.values() if isinstance(projection, CatchUp)]


def everything() -> dict[str, Projection]:
    """All of them, by the names that commands call them."""
    return PROJECTIONS


def find(name: str) -> Projection:
    """Raises KeyError."""
    return everything()[name]
