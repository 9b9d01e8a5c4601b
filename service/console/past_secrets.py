"""The secrets that a client had and has no more: tokens that it got with them may still be valid."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct

from service.audit.event_json import AuditEvent
from service.console.api import EVENTS, Refused
from service.console.screen import ConsoleVisit
from service.values.scopes import AUDIT_READ

KINDS = "client.registered,client.restored,client.secret_added,client.secret_revoked,client.deleted"
MOST = "1000"
"""So many of the latest of these events are read."""


class PastSecret(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    hint: str
    revoked_at: datetime


async def of_client(visit: ConsoleVisit, client_id: str) -> list[PastSecret]:
    """Return them, the latest revoked one first; none for a reader who may not read the audit feed."""
    if not visit.may(AUDIT_READ):
        return []
    try:
        found = (await visit.api.get(EVENTS, client=client_id, type=KINDS, limit=MOST)).of(list[AuditEvent])
    except Refused as fault:
        if fault.problem.status != 400:
            raise
        return []
    return sorted(ended(reversed(found)), key=lambda each: each.revoked_at, reverse=True)


def ended(events: Iterable[AuditEvent]) -> list[PastSecret]:
    """Return the secrets that these events of a client, the oldest first, gave and took away."""
    live: dict[str, dict[str, Any]] = {}
    past: dict[str, PastSecret] = {}
    for event in events:
        given = {each["secret_id"]: each for each in _given(event)}
        gone = live if event.type in ("client.deleted", "client.restored") else _revoked(event, live)
        past |= {id_: _past(each, event.recorded_at) for id_, each in gone.items() if id_ not in given}
        live = {**{id_: each for id_, each in live.items() if id_ not in gone}, **given}
        past = {id_: each for id_, each in past.items() if id_ not in live}
    return list(past.values())


def _given(event: AuditEvent) -> list[dict[str, Any]]:
    one = event.data.get("secret")
    return [*([one] if isinstance(one, dict) else []), *(event.data.get("secrets") or [])]


def _revoked(event: AuditEvent, live: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    id_ = event.data.get("secret_id") if event.type == "client.secret_revoked" else None
    return {id_: live[id_]} if id_ in live else {}


def _past(secret: dict[str, Any], at: datetime) -> PastSecret:
    return PastSecret(id=secret["secret_id"], name=secret["name"], hint=secret["hint"], revoked_at=at)
