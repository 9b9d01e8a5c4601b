"""What finds events in the log: one narrow row for each, by its type, whom it concerns, who caused it, by which request, from where.

An event of a stream concerns the client, bot and user of the stream's first event, which the row of that event has.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.access_token import AccessTokenEvent, AccessTokenRevoked
from events.api import ApiEvent
from events.audit_read import AuditReadEvent
from events.authorization import AuthorizationEvent, AuthorizationGranted
from events.bot import BotEvent
from events.client import ClientEvent, ClientRegistered
from events.codec import TYPES, Event, Recorded
from events.consent import ConsentEvent, ConsentGiven
from events.database import AnyConnection
from events.device_authorization import (
    DeviceAuthorizationApproved,
    DeviceAuthorizationDenied,
    DeviceAuthorizationEvent,
    DeviceAuthorizationRequested,
)
from events.envelope import Actor, ByClient, ByOperator, ByService, ByUser
from events.exchange import TokenExchanged
from events.extent import BETWEEN, Extent
from events.ids import bot_id_of, client_stream
from events.initial_access_token import InitialAccessTokenEvent
from events.refusal import RefusalEvent, RefusalsLeftOut, UserCodeRefused
from events.replay import COLUMNS, recorded
from events.retention import RetentionEvent
from events.revocation import RevocationEvent
from events.session import SessionClientNotified, SessionClientNotReached, SessionEvent, SessionStarted
from events.signing_key import SigningKeyEvent
from events.trusted_issuer import TrustedIssuerEvent
from events.user import UserEvent
from projections.catch_up import CatchUp, events

MUNIMENT = "muniment"
"""The service itself as an actor; no client can act under this name."""

PAGE = f"select {COLUMNS} from log.events where {BETWEEN} order by position {{order}} limit {{limit}}"
# The limits make each branch a short walk of one index, and each event one probe, whatever the planner expects.
BRANCH = f"(select position from read.audit_events where {BETWEEN}{{conditions}} order by position {{order}} limit {{limit}})"
FOUND = """
select {event} from (select distinct position from ({branches}) as each order by position {order} limit {limit}) as found
  cross join lateral (select {columns} from log.events e where e.position = found.position limit 1) as event order by event.position {order}
"""
EVENT = ", ".join(f"event.{name}" for name in COLUMNS.split(", "))
FIRST = f"select {COLUMNS} from log.events where stream_id = any($1::uuid[]) and version = 1"


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """`actor` is a client's sub, a user's id, an operator's name or MUNIMENT; `agent` is the client or the session that acted for it."""

    stream_id: UUID
    version: int
    position: int
    type: str
    client: UUID | None
    bot: str | None
    user_id: UUID | None
    actor: str
    agent: str | None
    request_id: str
    address: str | None


class Concerned(Struct, frozen=True, kw_only=True):
    """Clients by their streams: the id of an imported client cannot be computed from its stream."""

    client: UUID | None = None
    bot: str | None = None
    user: UUID | None = None


def row_of(entry: Recorded, first: Row | None) -> Row:
    """`first` is the row of the stream's first event, if the entry is a later one."""
    meta, named = entry.meta, _concerned(entry.event, entry.stream_id)
    actor, agent = _names(meta.actor)
    return Row(
        stream_id=entry.stream_id,
        version=entry.version,
        position=entry.position,
        type=entry.type,
        client=named.client or (first and first.client),
        bot=named.bot or (first and first.bot),
        user_id=named.user or (first and first.user_id),
        actor=actor,
        agent=agent,
        request_id=meta.request_id,
        address=meta.address,
    )


def project(entry: Recorded, find: Callable[..., Row | None]) -> Iterable[Row]:
    yield row_of(entry, find(entry.stream_id, 1) if entry.version > 1 else None)


def _concerned(event: Event, stream: UUID) -> Concerned:
    """Returns whom the event itself names."""
    match event:
        case ClientRegistered():
            return Concerned(client=stream, bot=event.grant.bot_user_id)
        case AccessTokenRevoked() | SessionClientNotified() | SessionClientNotReached():
            return Concerned(client=client_stream(event.client_id))
        case SessionStarted():
            return Concerned(user=event.user)
        case ConsentGiven():
            return Concerned(client=client_stream(event.client_id), user=event.user)
        case AuthorizationGranted():
            return Concerned(client=event.client, user=event.user)
        case DeviceAuthorizationRequested():
            return Concerned(client=event.client)
        case DeviceAuthorizationApproved() | DeviceAuthorizationDenied():
            return Concerned(user=event.user)
        case _:
            return _of_kind(event, stream)


def _of_kind(event: Event, stream: UUID) -> Concerned:
    if isinstance(event, ClientEvent):
        return Concerned(client=stream)
    if isinstance(event, BotEvent):
        return Concerned(bot=bot_id_of(stream))
    if isinstance(event, UserEvent):
        return Concerned(user=stream)
    if isinstance(event, TokenExchanged):
        return Concerned(client=client_stream(event.client_id))
    if isinstance(event, (RefusalsLeftOut, UserCodeRefused)):
        return Concerned()
    if isinstance(event, RefusalEvent):
        return Concerned(client=None if event.client_id is None else client_stream(event.client_id))
    return _named_before(event)


def _named_before(
    _event: SessionEvent
    | ConsentEvent
    | AuthorizationEvent
    | DeviceAuthorizationEvent
    | SigningKeyEvent
    | AccessTokenEvent
    | RetentionEvent
    | AuditReadEvent
    | RevocationEvent
    | TrustedIssuerEvent
    | InitialAccessTokenEvent
    | ApiEvent,
) -> Concerned:
    """The first event of the stream names them, or nobody. (The type checker refuses an event of another kind here.)"""
    return Concerned()


def _names(actor: Actor) -> tuple[str, str | None]:
    match actor:
        case ByClient():
            return actor.sub, actor.client_id
        case ByUser():
            return str(actor.user_id), None if actor.session is None else str(actor.session)
        case ByOperator():
            return actor.user, None
        case ByService():
            return MUNIMENT, None


PROJECTION = CatchUp(
    name="audit_events",
    version=4,
    follows=events(Event),
    row=Row,
    key=("stream_id", "version"),
    project=project,
    looks_first=True,
    indexes=(
        ("type", "position"),
        ("client", "position"),
        ("bot", "position"),
        ("user_id", "position"),
        ("actor", "position"),
        ("agent", "position"),
        ("request_id", "position"),
        ("address", "position"),
    ),
)


class Wanted(Struct, frozen=True, kw_only=True):
    """Which events: all that agree with every field that is given. `without` are types that are left out; `actor` may be the actor or the
    agent of an event.
    """

    types: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    stream_id: UUID | None = None
    client: UUID | None = None
    bot: str | None = None
    user_id: UUID | None = None
    request_id: str | None = None
    address: str | None = None
    actor: str | None = None

    def wants(self, row: Row) -> bool:
        """Returns whether the row is one of those that `find` finds."""
        return (
            (not self.types or row.type in self.types)
            and row.type not in self.without
            and (self.actor is None or self.actor in (row.actor, row.agent))
            and all(getattr(row, name) == value for name, value in self.equal())
        )

    def equal(self) -> list[tuple[str, object]]:
        names = ("stream_id", "client", "bot", "user_id", "request_id", "address")
        return [(name, value) for name in names if (value := getattr(self, name)) is not None]


async def find(connection: AnyConnection, wanted: Wanted, extent: Extent) -> list[Recorded]:
    """Returns the events of a page."""
    return [recorded(row) for row in await stored(connection, wanted, extent)]


async def stored(connection: AnyConnection, wanted: Wanted, extent: Extent) -> list[asyncpg.Record]:
    """Returns the stored rows of these events.

    Each type, and each of actor and agent, is a query of its own that stops after `limit` rows of its index.
    """
    statement, values = page(wanted, extent)
    return await connection.fetch(statement, extent.after, extent.upto, *values)


def page(wanted: Wanted, extent: Extent) -> tuple[str, list[object]]:
    """Returns the statement that reads a page, and its values from $3 on."""
    values: list[object] = []

    def condition(name: str, value: object) -> str:
        values.append(value)
        return f" and {name} = ${len(values) + 2}"

    both = "".join(condition(name, value) for name, value in wanted.equal())
    kinds = [kind for kind in wanted.types or _every_type(wanted) if kind not in wanted.without]
    types = [condition("type", kind) for kind in kinds] or [""]
    if wanted.without and not kinds:
        values.append(list(wanted.without))
        both += f" and type <> all(${len(values) + 2}::text[])"
    actors = [""] if wanted.actor is None else [condition(name, wanted.actor) for name in ("actor", "agent")]
    form = {"order": extent.order, "limit": int(extent.limit)}
    if not values:
        return PAGE.format(**form), values  # there is nothing to search for
    branches = [BRANCH.format(conditions=both + "".join(each), **form) for each in product(types, actors)]
    return FOUND.format(event=EVENT, columns=COLUMNS, branches=" union all ".join(branches), **form), values


def _every_type(wanted: Wanted) -> Iterable[str]:
    """Returns the types to walk through. If others are left out and nothing else narrows the search, that is each one by its own index: a
    walk past what is left out may be as long as the log.
    """
    is_narrow = bool(wanted.equal()) or wanted.actor is not None
    return () if is_narrow or not wanted.without else sorted(TYPES)


async def rows_of(connection: AnyConnection, entries: Sequence[Recorded]) -> list[Row]:
    """Returns the rows of these events as `project` makes them, from the log alone: for readers that do not wait for the projection."""
    later = {entry.stream_id for entry in entries if entry.version > 1}
    first = (
        {row["stream_id"]: row_of(recorded(row), None) for row in await connection.fetch(FIRST, list(later))}
        if later
        else {}
    )
    return [row_of(entry, first.get(entry.stream_id) if entry.version > 1 else None) for entry in entries]
