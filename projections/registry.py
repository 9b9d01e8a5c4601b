"""Every projection, by name. A new one of Muniment's own is one file, and one line in MODULES."""

from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, cast
from uuid import UUID

from events.codec import Event, type_of
from events.log import Change
from projections import packages
from projections.catch_up import CatchUp
from projections.packages import Installed
from projections.table import Table

Projection = Table | CatchUp[Any, Any]

MODULES = (
    "clients",
    "bots",
    "apis",
    "signing_keys",
    "revoked_tokens",
    "users",
    "sessions",
    "consents",
    "authorizations",
    "trusted_issuers",
    "device_authorizations",
    "initial_access_tokens",
    "exchanges",
    "last_used",
    "usage_daily",
    "client_history",
    "bot_history",
    "api_history",
    "user_history",
    "consent_history",
    "authorization_history",
    "signing_key_history",
    "trusted_issuer_history",
    "initial_access_token_history",
    "audit_events",
    "secret_hashes",
    "log_tiles",
    "issuance_tiles",
)
"""The modules of Muniment's own projections. Each defines a TABLE (inline) or a PROJECTION (catch-up)."""


def _of_module(name: str) -> Projection:
    """Raises AttributeError and TypeError, at import, for a module that defines neither."""
    module = import_module(f"projections.{name}")
    found: object = module.PROJECTION if hasattr(module, "PROJECTION") else module.TABLE
    if isinstance(found, Table):
        return found
    if isinstance(found, CatchUp):
        return cast("CatchUp[Any, Any]", found)
    raise TypeError(f"projections.{name} defines a {type(found).__name__}, which is no projection")


PROJECTIONS: dict[str, Projection] = {projection.name: projection for projection in map(_of_module, MODULES)}

INLINE: dict[str, Table] = {name: table for name, table in PROJECTIONS.items() if isinstance(table, Table)}
"""Those that are written in the append's own transaction."""


def changes(
    stream: UUID, past: Sequence[Event], new: Sequence[Event], *, left_out: int = 0, before: Sequence[Change] = ()
) -> tuple[Change, ...]:
    """The stream's new row in each inline table that follows one of the new events. `left_out` and `before` are as in `Table.change`."""
    tables = _following(frozenset(map(type_of, new)))
    return tuple([table.change(stream, new, past, left_out=left_out, before=before) for table in tables])


@lru_cache(maxsize=1024)
def _following(kinds: frozenset[str]) -> tuple[Table, ...]:
    return tuple(table for table in INLINE.values() if not kinds.isdisjoint(table.tags))


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
