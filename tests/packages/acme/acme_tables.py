"""Somebody else's package, as pip leaves it: one projection that counts clients, and one with a bug in it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct

from events.client import ClientDisabled, ClientRegistered
from events.codec import Recorded
from projections.catch_up import CatchUp, events


class Row(Struct, frozen=True, kw_only=True):
    owner: str
    clients: int
    latest_at: datetime


def project(entry: Recorded, find: Callable[..., Row | None]) -> Iterable[Row]:
    match entry.event:
        case ClientRegistered(owner=owner):
            row = find(owner)
            yield Row(owner=owner, clients=row.clients + 1 if row else 1, latest_at=entry.recorded_at)
        case _:
            pass


def with_a_bug(entry: Recorded, find: Callable[..., Row | None]) -> Iterable[Row]:
    if isinstance(entry.event, ClientDisabled):
        raise ZeroDivisionError("by a bug")
    return project(entry, find)


def projections() -> tuple[CatchUp[Any, Any], ...]:
    """What the entry point names."""
    follows = events(ClientRegistered | ClientDisabled)
    counts = CatchUp(name="owners", version=1, follows=follows, row=Row, key=("owner",), project=project, schema="acme")
    return counts, counts.__replace__(name="buggy", project=with_a_bug)
