"""What a client has and does not use: the rule, and the reads that it needs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, field, json

from events.client_apis import Apis, pairs
from events.client_key import StoredKey
from events.client_secret import StoredSecret
from events.client_security import WorkloadIdentity
from events.database import AnyConnection
from projections import apis, client_history, client_lists, last_used, usage_daily
from projections.as_of import Behind
from projections.clients import Row
from projections.engine.status import statuses
from projections.usage_daily import ScopeUse

INTROSPECT = "introspect:"
"""Scopes that begin like this are used without a token: by clients that introspect the tokens of others."""

STALE_SECONDS = 60.0
MADE_OF = (last_used.PROJECTION, usage_daily.PROJECTION, client_history.PROJECTION)
"""The projections that say what is used. One that is far behind would call unused what is in use."""

VERSIONS = """
select stream_id, array(select jsonb_array_elements_text(snapshot -> 'scopes')), from_time, state, coalesce((snapshot -> 'restored')::int, 0),
       snapshot -> 'security' -> 'workload_identities'
  from read.client_history where stream_id = any($1::uuid[]) and (to_time is null or to_time > $2) order by stream_id, from_position
"""


class Version(Struct, frozen=True):
    """What a client was from this time on, until its next version."""

    scopes: frozenset[str]
    from_time: datetime
    state: str
    restored: int
    workloads: frozenset[WorkloadIdentity] = frozenset()


class Uses(Struct, frozen=True, kw_only=True):
    """When a client, each of its secrets, keys and workload identities, and each of its scopes were last used; nothing of those that never were.

    `held` are the scopes that it had all the time, `workloads` the workload identities. `unknown` is the last use of scopes that were not kept: it may be any of them.
    `returned` is when the client was last restored or enabled. `is_audience` says that there are tokens for the client, or for an API of its, which it may introspect.
    """

    client: datetime | None
    secrets: Mapping[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    scopes: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    unknown: datetime | None = None
    held: frozenset[str]
    workloads: frozenset[WorkloadIdentity] = frozenset()
    returned: datetime | None = None
    is_audience: bool = False


class Unused(Struct, frozen=True, kw_only=True):
    """If the whole client is unused, its secrets, keys, workload identities and scopes are not listed: they are unused, too."""

    client: Row
    last_used: datetime | None
    whole: bool
    secrets: tuple[tuple[StoredSecret, datetime | None], ...] = ()
    scopes: tuple[tuple[str, datetime | None], ...] = ()
    keys: tuple[tuple[StoredKey, datetime | None], ...] = ()
    workloads: tuple[tuple[WorkloadIdentity, datetime | None], ...] = ()


def unused(client: Row, uses: Uses, since: datetime, now: datetime) -> Unused | None:
    """Returns what no token used from `since` on and was there before it; None if that is nothing. Expired secrets allow nothing.

    A client that may introspect tokens for others authenticates for that with its secrets, and no record says so.
    """
    if client.created_at >= since or not _is_before(uses.returned, since):
        return None
    introspects = uses.is_audience or any(scope.startswith(INTROSPECT) for scope in client.scopes)
    if _is_before(uses.client, since) and not introspects:
        return Unused(client=client, last_used=uses.client, whole=True)
    secrets = tuple(
        (each, uses.secrets.get(each.secret_id))
        for each in client.secrets
        if not introspects and _is_idle(each, uses.secrets.get(each.secret_id), since, now)
    )
    may_sign_requests = client.grant_type != "client_credentials"  # with a key, and no record says so
    keys = tuple(
        (each, uses.secrets.get(each.key_id))
        for each in client.keys
        if not may_sign_requests and not introspects and _is_idle(each, uses.secrets.get(each.key_id), since, now)
    )
    workloads = tuple(
        (each, used)
        for each in client.security.workload_identities
        if each in uses.workloads
        and not introspects
        and _is_before(used := uses.secrets.get(each.id_for(client.stream_id)), since)
    )
    scopes = tuple(
        (scope, uses.scopes.get(scope))
        for scope in client.scopes
        if scope in uses.held
        and not scope.startswith(INTROSPECT)
        and _is_before(uses.scopes.get(scope), since)
        and _is_before(uses.unknown, since)
    )
    if not secrets and not keys and not workloads and not scopes:
        return None
    return Unused(
        client=client,
        last_used=uses.client,
        whole=False,
        secrets=secrets,
        scopes=scopes,
        keys=keys,
        workloads=workloads,
    )


def _is_idle(each: StoredSecret | StoredKey, used: datetime | None, since: datetime, now: datetime) -> bool:
    is_live = each.expires_at is None or each.expires_at > now
    return is_live and each.created_at < since and _is_before(used, since)


def _is_before(used: datetime | None, since: datetime) -> bool:
    return used is None or used < since


def by_scope(found: Sequence[ScopeUse], granted: Apis = None) -> tuple[dict[str, datetime], datetime | None]:
    """Returns when each scope of a client was last used, and when scopes that were not kept were.

    A scope that the client has at a granted API, in a token for this API alone, is not the scope of this name that it has itself.
    """
    of_apis = pairs(granted)
    last: dict[str, datetime] = {}
    unknown: datetime | None = None
    for use in found:
        if use.scope is None:
            unknown = use.last_at if unknown is None else max(unknown, use.last_at)
            continue
        for scope in use.scope.split():
            if (use.audience, scope) in of_apis:
                continue
            last[scope] = max(last.get(scope, use.last_at), use.last_at)
    return last, unknown


def returned(versions: Sequence[Version], since: datetime) -> datetime | None:
    """Returns when the client was last restored or enabled from `since` on. The versions are those from then on, oldest first."""
    last: datetime | None = None
    state, restored = "active", 0
    for version in versions:
        is_enabled = (state, version.state) == ("disabled", "active")
        if version.from_time >= since and (is_enabled or version.restored > restored):
            last = version.from_time
        state, restored = version.state, version.restored
    return last


class Examined(Struct, frozen=True):
    """What was found of so many clients, and the last of them if there are more."""

    found: list[Unused]
    after: UUID | None


async def check(connection: AnyConnection) -> None:
    """Raises Behind if the answer could be wrong."""
    for projection in MADE_OF:
        status, *_ = await statuses(connection, projection.name)
        if (status.state, status.version) != ("active", projection.version) or status.lag_seconds > STALE_SECONDS:
            raise Behind(projection.name, status.position, failed=status.state == "failed")


async def examine(
    connection: AnyConnection, *, since: datetime, now: datetime, after: UUID | None, most: int, audience: str
) -> Examined:
    """Looks at `most` clients, in the order of registration. `audience` is the default one, which records of tokens leave out."""
    rows = await client_lists.listed(connection, client_lists.Wanted(after=after), client_lists.WHOLE, limit=most + 1)
    asked = rows[:most]
    uses = await _uses(connection, asked, since, audience)
    found = [unused(row, uses[row.stream_id], since, now) for row in asked]
    return Examined([each for each in found if each], asked[-1].stream_id if len(rows) > most else None)


def _credentials(row: Row) -> list[UUID]:
    return [
        *(each.secret_id for each in row.secrets),
        *(each.key_id for each in row.keys),
        *(each.id_for(row.stream_id) for each in row.security.workload_identities),
    ]


_workloads = json.Decoder(frozenset[WorkloadIdentity]).decode


async def _uses(connection: AnyConnection, rows: Sequence[Row], since: datetime, audience: str) -> dict[UUID, Uses]:
    streams = [row.stream_id for row in rows]
    used = await last_used.clients_used(connection, streams)
    secrets = await last_used.secrets_used(connection, [id_ for row in rows for id_ in _credentials(row)])
    scopes: dict[UUID, list[ScopeUse]] = {stream: [] for stream in streams}
    for use in await usage_daily.of_scopes(connection, streams):
        scopes[use.client].append(use)
    versions: dict[UUID, list[Version]] = {stream: [] for stream in streams}
    for stream, had, at, state, restored, trusted in await connection.fetch(VERSIONS, streams, since):
        workloads = _workloads(trusted or "[]")
        versions[stream].append(Version(frozenset(had), at, state, restored, workloads))
    audiences = {audience} | await usage_daily.audiences(connection, [row.client_id for row in rows])
    for api in (await apis.every(connection)).values():
        audiences.update(api.terms.introspectors)
    found: dict[UUID, Uses] = {}
    for row in rows:
        stream = row.stream_id
        held = [version.scopes for version in versions[stream]]
        trusted = [version.workloads for version in versions[stream]]
        last, unknown = by_scope(scopes[stream], row.apis)
        found[stream] = Uses(
            client=used.get(stream),
            secrets=secrets,
            scopes=last,
            unknown=unknown,
            held=held[0].intersection(*held) if held else frozenset(),
            workloads=trusted[0].intersection(*trusted) if trusted else frozenset(),
            returned=returned(versions[stream], since),
            is_audience=row.client_id in audiences,
        )
    return found
