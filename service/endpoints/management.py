"""The checks of every request to the management API: bearer token, rate limit and scope. Every path of the API is one `Managed`."""

import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from events.envelope import ByClient, Meta
from service.commands.client import Holder
from service.endpoints import paging
from service.endpoints.responses import MIN_POSITION, POSITION, as_problem, refusal, unreached
from service.grants.refusal_events import record_throttled_requests
from service.http.asgi import address, read_body, resources_of
from service.http.methods import action_of
from service.oauth.tokens import BadToken
from service.people.throttle import network
from service.problems import (
    Forbidden,
    Invalid,
    TooMany,
    Unauthenticated,
)
from service.request_id import this_request
from service.resources import Resources
from service.values.scopes import MANAGEMENT, OPERATE

log = logging.getLogger("muniment.api")


class Caller(Struct, frozen=True, kw_only=True):
    client_id: str
    sub: str
    scopes: frozenset[str]

    @property
    def reach(self) -> str | None:
        """The owner whose clients and bots the caller sees: itself, or None for every owner."""
        return None if OPERATE in self.scopes else self.sub

    @property
    def holder(self) -> Holder:
        return Holder(owner=self.reach, sub=self.sub, scopes=self.scopes)


class Call(Struct, frozen=True, kw_only=True):
    """One request, by a caller who is authorized to make it."""

    request: Request
    resources: Resources
    caller: Caller
    request_id: UUID
    body: bytes

    @property
    def meta(self) -> Meta:
        actor = ByClient(client_id=self.caller.client_id, sub=self.caller.sub)
        return Meta(actor=actor, request_id=str(self.request_id), address=address(self.request.scope))


class Action(Struct, frozen=True):
    """The function for one method of a path, and the scope that it requires. Only an action that `lists` takes a query, and reads it."""

    scope: str
    carry_out: Callable[[Call], Awaitable[Response]]
    lists: bool = False


class Managed:
    """One path of the management API, as an ASGI application."""

    def __init__(self, **actions: Action) -> None:
        self.actions = actions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = this_request()
        headers: dict[str, str] = {}
        try:
            response = await self._respond(Request(scope, receive), request_id, headers)
        except Exception as fault:  # noqa: BLE001 - after any fault the stranger gets a response, and the log gets the fault
            response = refusal(as_problem(fault, request_id, resources_of(scope).outages), request_id)
        response.headers.update(headers)
        response.headers["X-Request-Id"] = str(request_id)
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)

    async def _respond(self, request: Request, request_id: UUID, headers: dict[str, str]) -> Response:
        resources = resources_of(request.scope)
        caller = await _caller_or_refusal(request, resources)
        await _count(resources, caller, address(request.scope), headers)
        if isinstance(caller, Unauthenticated):
            raise caller
        action = action_of(self.actions, request.method)
        if action.scope not in caller.scopes:
            raise Forbidden(f"This requires a token with the scope {action.scope}.", scope=action.scope)
        if not action.lists:
            paging.refuse_query(request)
        if fault := await unreached(resources, request.headers.get(MIN_POSITION)):
            raise Invalid(fault)
        body = await read_body(request.scope, request.receive)
        response = await action.carry_out(
            Call(request=request, resources=resources, caller=caller, request_id=request_id, body=body)
        )
        await _read_your_writes(resources, response)
        return response


async def authenticate(request: Request, resources: Resources) -> Caller:
    """Return the caller that the bearer token authenticates (RFC 6750). Raises Unauthenticated."""
    given = request.headers.getlist("authorization")
    if not given:
        raise Unauthenticated("Send an access token: Authorization: Bearer ...")
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated(
            "Send one Authorization header of the form: Bearer, a space, and an access token.", error="invalid_request"
        )
    try:
        claims = resources.tokens.verify(token.strip())
    except BadToken as fault:
        raise Unauthenticated(str(fault), error="invalid_token") from fault
    seen = await resources.lookup.standing(claims.client_id, claims.jti, claims.authorization)
    if seen is None:
        raise Unauthenticated("The token was revoked, or its client was disabled or deleted.", error="invalid_token")
    return Caller(client_id=claims.client_id, sub=claims.sub, scopes=claims.scopes & set(seen.client.scopes))


async def _caller_or_refusal(request: Request, resources: Resources) -> Caller | Unauthenticated:
    try:
        return await authenticate(request, resources)
    except Unauthenticated as refused:
        return refused


async def _count(resources: Resources, caller: Caller | Unauthenticated, origin: str, headers: dict[str, str]) -> None:
    limit = resources.settings.rate_limit
    if limit == 0:
        return
    counted = await resources.limits.count(_counted_as(caller, origin))
    headers.update(counted.headers(limit))
    if counted.used > limit:
        headers["Retry-After"] = str(counted.seconds)
        if counted.used == limit + 1:
            client_id = caller.client_id if isinstance(caller, Caller) else None
            await record_throttled_requests(resources, client_id, limit, origin)
        raise TooMany(f"More than {limit} requests in this minute; try again in {counted.seconds} s.")


def _counted_as(caller: Caller | Unauthenticated, origin: str) -> str:
    """A `sub` is proof only if the token has a scope of this API: a caller who chose its `sub` freely cannot get such a scope."""
    if not isinstance(caller, Caller):
        return f"address {network(origin)}"
    return f"caller {caller.sub}" if caller.scopes & set(MANAGEMENT) else f"client {caller.client_id}"


async def _read_your_writes(resources: Resources, response: Response) -> None:
    """The next request to this process sees the change. After a creation there is nothing to wait for: no cache has it yet."""
    position = response.headers.get(POSITION)
    if position is not None and response.status_code != 201:
        await resources.lookup.reach(int(position))
