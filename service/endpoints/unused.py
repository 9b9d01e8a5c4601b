"""/api/v1/audit/unused: clients, secrets and scopes that no token used for so many days."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from starlette.responses import Response

from events.database import AnyConnection, read
from projections import unused
from projections.as_of import Behind
from projections.unused import Examined, Unused
from service.clock import utc_now
from service.endpoints import paging
from service.endpoints.call import Call
from service.endpoints.paging import Query
from service.endpoints.responses import answered
from service.problems import ComeAgain
from service.values import shrinking

PATH = "/api/v1/audit/unused"
USUAL_UNUSED_DAYS, MOST_UNUSED_DAYS = 90, 3650


class UnusedSecret(Struct, frozen=True, kw_only=True, rename="camel"):
    secret_id: UUID
    name: str
    hint: str
    last_used_utc: Annotated[datetime, Meta(tz=True, description="Null for never.")] | None


class UnusedKey(Struct, frozen=True, kw_only=True, rename="camel"):
    key_id: UUID
    name: str
    last_used_utc: Annotated[datetime, Meta(tz=True, description="Null for never.")] | None


class UnusedWorkload(Struct, frozen=True, kw_only=True, rename="camel"):
    identity_id: UUID
    issuer: str
    subject: str
    last_used_utc: Annotated[datetime, Meta(tz=True, description="Null for never.")] | None


class UnusedScope(Struct, frozen=True, kw_only=True, rename="camel"):
    scope: str
    last_used_utc: Annotated[datetime, Meta(tz=True, description="Null for never.")] | None


class UnusedClient(Struct, frozen=True, kw_only=True, rename="camel"):
    """A client that has more than it uses."""

    client_id: str
    display_name: str | None
    owner: str
    state: str
    created_utc: Annotated[datetime, Meta(tz=True)]
    last_used_utc: Annotated[datetime, Meta(tz=True, description="Null for never.")] | None
    unused: Annotated[
        bool,
        Meta(
            description="Whether the whole client is; then its secrets, keys, workload identities and scopes are not listed."
        ),
    ]
    secrets: list[UnusedSecret]
    keys: list[UnusedKey]
    workload_identities: list[UnusedWorkload]
    scopes: list[UnusedScope]
    commands: Annotated[list[str], Meta(description="What an operator runs to remove it.")]


async def list_unused(call: Call) -> Response:
    query = paging.read(call.request.scope, ("days", "limit", "cursor"))
    page, days = paging.page_of(query, (), paging.NO_CHECKS), _days(query)
    paging.refuse(query)
    now = utc_now()

    async def examined(connection: AnyConnection) -> Examined:
        await unused.check(connection)
        since = now - timedelta(days=days)
        audience = call.resources.settings.audience
        return await unused.examine(
            connection, since=since, now=now, after=page.after, most=page.limit, audience=audience
        )

    try:
        answer = await read(call.resources.ledger.pool, examined)
    except Behind as behind:
        raise ComeAgain(f"{behind} Until it is up to date, what is in use could be called unused.") from behind
    headers = {}
    if answer.after is not None:
        asked = {"days": str(days), "limit": str(page.limit), "cursor": answer.after.hex}
        headers = paging.next_link(call.resources.settings.issuer, PATH, asked)
    return answered([_shown(each) for each in answer.found], headers=headers)


def _days(query: Query) -> int:
    text = query.given.get("days")
    if text is None or "days" in query.errors:
        return USUAL_UNUSED_DAYS
    digits = len(str(MOST_UNUSED_DAYS))
    if text.isascii() and text.isdigit() and len(text) <= digits and 1 <= int(text) <= MOST_UNUSED_DAYS:
        return int(text)
    query.fault("days", f"must be a whole number from 1 to {MOST_UNUSED_DAYS}")
    return USUAL_UNUSED_DAYS


def _shown(found: Unused) -> UnusedClient:
    return UnusedClient(
        client_id=found.client.client_id,
        display_name=found.client.display_name,
        owner=found.client.owner,
        state=found.client.state,
        created_utc=found.client.created_at,
        last_used_utc=found.last_used,
        unused=found.whole,
        secrets=[
            UnusedSecret(secret_id=each.secret_id, name=each.name, hint=each.hint, last_used_utc=used)
            for each, used in found.secrets
        ],
        keys=[UnusedKey(key_id=each.key_id, name=each.name, last_used_utc=used) for each, used in found.keys],
        workload_identities=[
            UnusedWorkload(
                identity_id=each.id_for(found.client.stream_id),
                issuer=each.issuer,
                subject=each.subject,
                last_used_utc=used,
            )
            for each, used in found.workloads
        ],
        scopes=[UnusedScope(scope=scope, last_used_utc=used) for scope, used in found.scopes],
        commands=shrinking.commands(found),
    )
