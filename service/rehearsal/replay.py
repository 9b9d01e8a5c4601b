"""Replays recorded requests against a proposed policy. It only reads: each connection's transactions are read-only."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from events.authorization import AuthorizationGranted, CodeIssued
from events.batches import positions_before, recorded_at
from events.client import ClientLoginChanged, ClientRegistered, ClientRestored, ClientScopesChanged
from events.client_apis import ClientApisChanged
from events.client_key import ClientKeyAdded
from events.codec import Recorded, tags
from events.database import AnyConnection
from events.replay import COLUMNS, recorded
from events.secrets_given import GIVING, keys_given, secrets_given
from projections.catch_up import BATCHES
from service.rehearsal.policy import (
    Command,
    Policy,
    Refusal,
    Request,
    Rule,
    TokenRequests,
    of_code,
    of_command,
    of_tokens,
)

REPLAYED = sorted(tags(Command | AuthorizationGranted | CodeIssued))
SECRETS = sorted(tags(GIVING | ClientKeyAdded))
EVENTS_A_PAGE = 1000
A_DAY = timedelta(days=1)

# A token's jti is a UUIDv7, whose first 48 bits are the millisecond in which the token was made.
TOKENS = """
select client, secret, token ->> 'scope' as scope, (token ->> 'exp')::bigint - made / 1000 as lifetime,
       count(*) as times, min(issued_at) as first, max(issued_at) as last, max(position) as last_position
  from (select client, secret, issued_at, position, convert_from(data, 'UTF8')::jsonb as token,
               ('x' || encode(substr(uuid_send(jti), 1, 6), 'hex'))::bit(48)::bigint as made
          from log.issuance where issued_at >= $1 and issued_at < $2 offset 0) as recorded
 group by 1, 2, 3, 4 order by min(position)
"""
EVENTS = f"""
select {COLUMNS} from log.events
 where position > $1 and position <= $2 and type = any($3::text[]) order by position limit $4
"""

Progress = Callable[[int, int], None]
"""Called with (done, of how many); days and pages."""


class Span(Struct, frozen=True, kw_only=True):
    """The requests that were recorded from `since` (inclusive) to `until` (exclusive), as positions after and up to."""

    since: datetime
    until: datetime
    events: tuple[int, int]
    tokens: tuple[int, int]

    @property
    def token_count(self) -> int:
        return self.tokens[1] - self.tokens[0]

    @property
    def event_count(self) -> int:
        return self.events[1] - self.events[0]

    @property
    def days(self) -> list[tuple[datetime, datetime]]:
        """The UTC days of the span, the first and the last cut."""
        cuts = [self.since]
        while (midnight := (cuts[-1] + A_DAY).replace(hour=0, minute=0, second=0, microsecond=0)) < self.until:
            cuts.append(midnight)
        return list(zip(cuts, [*cuts[1:], self.until], strict=True))


class Rehearsal(Struct, frozen=True, kw_only=True):
    """How many requests were replayed, and what the policy would have refused, most often first."""

    span: Span
    tokens: int
    others: int
    refusals: tuple[Refusal, ...]


class _Tally:
    def __init__(self) -> None:
        self._found: dict[tuple[Rule, Request, UUID], Refusal] = {}

    def add(self, refusal: Refusal) -> None:
        key = (refusal.rule, refusal.request, refusal.client)
        before = self._found.get(key)
        self._found[key] = refusal if before is None else before + refusal

    def sorted(self) -> tuple[Refusal, ...]:
        return tuple(sorted(self._found.values(), key=lambda r: (-r.times, r.rule, r.request, r.client)))


@asynccontextmanager
async def reading(connection: AnyConnection) -> AsyncGenerator[None]:
    """One snapshot for the whole rehearsal, in which nothing can be written."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield


async def span(connection: AnyConnection, since: datetime, until: datetime) -> Span:
    """Return the span between two times, without the time before the first record."""
    first = [at for batches in BATCHES.values() if (at := await recorded_at(connection, batches, 1)) is not None]
    since = min(max(since, min(first, default=until)), until)
    events, tokens = [await positions_before(connection, batches, [since, until]) for batches in BATCHES.values()]
    return Span(
        since=since.astimezone(UTC),
        until=until.astimezone(UTC),
        events=(events[0], events[1]),
        tokens=(tokens[0], tokens[1]),
    )


async def rehearse(connection: AnyConnection, policy: Policy, span: Span, progress: Progress) -> Rehearsal:
    """Needs the transaction of `reading`. Raises UnreadableEvent."""
    tally, days = _Tally(), span.days
    created = {} if policy.max_secret_age is None else await _secrets(connection, span.events[1])
    others = await _replay_events(connection, policy, span, tally)
    tokens = 0
    for number, (since, until) in enumerate(days, 1):
        for row in await connection.fetch(TOKENS, since, until):
            requests = TokenRequests(**row)
            tokens += requests.times
            for rule in of_tokens(policy, requests, created.get(requests.secret)):
                tally.add(_of_tokens(rule, requests))
        progress(number, len(days))
    return Rehearsal(span=span, tokens=tokens, others=others, refusals=tally.sorted())


def _of_tokens(rule: Rule, of: TokenRequests) -> Refusal:
    return Refusal(rule, "token", of.client, of.times, of.first, of.last, of.last_position)


async def _replay_events(connection: AnyConnection, policy: Policy, span: Span, tally: _Tally) -> int:
    """Return the number of replayed authorization requests and commands."""
    granted: dict[UUID, AuthorizationGranted] = {}
    replayed = 0
    async for past in _events(connection, span.events, REPLAYED):
        match past.event:
            case AuthorizationGranted():
                granted[past.stream_id] = past.event
                continue
            case CodeIssued() if past.stream_id in granted:
                request = granted.pop(past.stream_id)
                found = _refusals(of_code(policy, request, past.event), "code", request.client, past)
            case ClientRegistered() | ClientRestored():
                found = _refusals(of_command(policy, past.event), "registration", past.stream_id, past)
            case ClientScopesChanged() | ClientApisChanged() | ClientLoginChanged():
                found = _refusals(of_command(policy, past.event), "change", past.stream_id, past)
            case _:
                continue
        replayed += 1
        for refusal in found:
            tally.add(refusal)
    return replayed


def _refusals(rules: Iterator[Rule], request: Request, client: UUID, past: Recorded) -> Iterator[Refusal]:
    return (Refusal(rule, request, client, 1, past.recorded_at, past.recorded_at, past.position) for rule in rules)


async def _secrets(connection: AnyConnection, upto: int) -> dict[UUID, datetime]:
    """Return when each secret and each key was created."""
    created: dict[UUID, datetime] = {}
    async for past in _events(connection, (0, upto), SECRETS):
        created |= {secret.secret_id: secret.created_at for secret in secrets_given(past.event)}
        created |= {key.key_id: key.created_at for key in keys_given(past.event)}
    return created


async def _events(connection: AnyConnection, bounds: tuple[int, int], kinds: list[str]) -> AsyncIterator[Recorded]:
    after, upto = bounds
    while rows := await connection.fetch(EVENTS, after, upto, kinds, EVENTS_A_PAGE):
        for row in rows:
            yield recorded(row)
        after = rows[-1]["position"]
