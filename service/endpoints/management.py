"""The checks of every request to the management API: bearer token, rate limit and scope. Every path of the API is one `Managed`."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from hashlib import sha256
from uuid import UUID

from msgspec import UNSET, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from events.database import Unavailable
from events.envelope import ByClient, Meta
from events.refusal import RequestsThrottled
from service.audit.read_counts import Read
from service.callers import Caller, caller_of
from service.clock import utc_now
from service.configuration.settings import LEEWAY_SECONDS
from service.endpoints import paging, protected, reason_header
from service.endpoints.fields import SECRETS
from service.endpoints.moments import AS_OF
from service.endpoints.protected import PresentedToken
from service.endpoints.resource_metadata import MANAGEMENT_API
from service.endpoints.responses import MIN_POSITION, Found, as_problem, position_in, refusal, sent_at_once, unreached
from service.grants.audited_reads import audit_read, filters_of, members, record_read
from service.grants.refusal_events import Sender, not_permitted, record_not_permitted, record_throttled_requests
from service.http.asgi import (
    address,
    header,
    headers_named,
    query_pairs,
    read_body,
    repeated,
    resources_of,
    respond,
    route_of,
)
from service.http.last_head import once_a_head
from service.http.methods import action_of
from service.oauth.tokens import BadToken
from service.people.throttle import network
from service.problems import (
    Forbidden,
    Invalid,
    NotFound,
    TooMany,
    Unauthenticated,
)
from service.refusals import DoesNotExist, NotPermitted
from service.request_id import envelope, this_request
from service.resources import Resources
from service.tracing.spans import span
from service.values.scopes import MANAGEMENT

AUDIT, TREES, HISTORY = "/api/v1/audit/", "/log/", "/history"
"""Reads below the first two paths, and of each history, are recorded, and so are reads with `as_of`."""

CALLER = "muniment.caller"
"""The key of an ASGI scope whose caller the console has authenticated. No request from outside has it."""

COUNTED = "muniment.counted"
"""The key of an ASGI scope that says whether the rate limit has counted the page of the console for which this is read."""

TAKES = "muniment.takes"
"""The key of an ASGI scope for the function that takes the response and its further headers as they are, without ASGI's messages."""

ASKED, DRY, DRY_RUN = ("/rehearsals", "/credentials"), ("/restore", "/revocations"), "dryRun"
"""What is asked by POST and changes nothing is a read, too."""

READING = ("GET", "HEAD")

NO_STORE = {"cache-control": "no-store"}
_NO_STORE = ((b"cache-control", b"no-store"),)

_MIN_POSITION = MIN_POSITION.lower().encode()

log = logging.getLogger("muniment.api")


class Call(Struct, frozen=True, kw_only=True):
    """One request, by a caller who is authorized to make it."""

    request: Request
    resources: Resources
    caller: Caller
    request_id: UUID
    body: bytes

    @property
    def reason(self) -> str | None:
        """The reason that the caller gives for the change. Raises Invalid."""
        return reason_header.read(self.request)

    @property
    def meta(self) -> Meta:
        """The envelope of the change. Raises Invalid if its reason has a fault, so nothing is changed then."""
        actor = ByClient(client_id=self.caller.client_id, sub=self.caller.sub)
        return envelope(actor, address=_origin(self.request, self.caller), reason=self.reason)


class Head(Struct, frozen=True):
    """What the head of a request says to every path alike. `repeated` is why it is refused if a header is there too often."""

    has_credential: bool
    repeated: str | None
    min_position: str | None
    is_audited: bool


def _head_of(scope: Scope) -> Head:
    return Head(paging.has_credential(scope), repeated(scope), header(scope, _MIN_POSITION), _is_audited_read(scope))


class Action(Struct, frozen=True):
    """The function for one method of a path, and the scope that it requires. Only one with `query` takes a query, and reads it."""

    scope: str
    carry_out: Callable[[Call], Awaitable[Response]]
    query: bool = False


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
        headers["X-Request-Id"] = str(request_id)
        if (take := scope.get(TAKES)) is not None:
            take(response, headers)
        elif not sent_at_once(scope, response, headers, NO_STORE):
            await respond(scope, receive, send, response, headers, usual=_NO_STORE)

    async def _respond(self, request: Request, request_id: UUID, headers: dict[str, str]) -> Response:
        resources = resources_of(request.scope)
        try:
            caller = await authenticate(request, resources)
        except Unauthenticated as refused:
            refused.headers.update(protected.challenge(refused, resources.settings.issuer, MANAGEMENT_API))
            caller = refused
        headers.update(protected.next_nonce(request.scope, resources))
        if not request.scope.get(COUNTED, False):
            await _count(resources, caller, address(request.scope), headers)
        if isinstance(caller, Unauthenticated):
            raise caller
        action = action_of(self.actions, request.method)
        try:
            response = await _carried_out(action, request, resources, caller, request_id)
        except (Forbidden, NotPermitted) as refused:
            await _record_refusal(request, resources, caller, refused.detail)
            if isinstance(refused, Forbidden):
                headers.update(protected.insufficient(refused, request, resources.settings.issuer, MANAGEMENT_API))
            raise
        # After a creation there is nothing to wait for: no cache has it yet.
        if response.status_code != 201 and (position := position_in(response)) is not None:
            await resources.lookup.reach(int(position))  # so that the next request to this process sees the change
        return response


async def _carried_out(
    action: Action, request: Request, resources: Resources, caller: Caller, request_id: UUID
) -> Response:
    if action.scope not in caller.scopes:
        raise Forbidden(f"This requires a token with the scope {action.scope}.", scope=action.scope)
    head = once_a_head(request.scope, _head_of)
    if head.has_credential:
        raise Invalid(paging.A_CREDENTIAL)
    if not action.query:
        paging.refuse_query(request.scope)
    fault = head.repeated
    if fault is None and head.min_position is not None:
        fault = await unreached(resources, head.min_position)
    if fault is not None:
        raise Invalid(fault)
    body = await read_body(request.scope, request.receive)
    call = Call(request=request, resources=resources, caller=caller, request_id=request_id, body=body)
    try:
        response = await action.carry_out(call)
    except Invalid as refused:
        raise reason_header.beside(refused, request) from refused
    except (NotFound, DoesNotExist):
        if _is_audited(call):
            await _record_nothing_found(call)
        raise
    if _is_audited(call):
        await record_read(resources, read_of(call, response.found if isinstance(response, Found) else None))
    return response


async def _record_nothing_found(call: Call) -> None:
    """What was looked for is recorded, too, without the path and the body: the text in the place of an id, and in it, may be anything."""
    nothing = read_of(call, 0)
    filters = () if call.request.method == "POST" else nothing.filters
    await record_read(call.resources, nothing.__replace__(path=nothing.template, filters=filters))


def _is_audited(call: Call) -> bool:
    if once_a_head(call.request.scope, _head_of).is_audited:
        return True
    is_dry = call.request.scope["path"].endswith(DRY) and call.request.method not in READING
    return is_dry and members(call.body).get(DRY_RUN) == "true"


def _is_audited_read(scope: Scope) -> bool:
    path = scope["path"]
    if scope["method"] not in READING:
        return path.endswith(ASKED)
    is_of_log = path.startswith((AUDIT, TREES)) or path.endswith(HISTORY)
    return is_of_log or any(name == AS_OF for name, _ in once_a_head(scope, query_pairs))


def read_of(call: Call, found: int | None) -> Read:
    """Return what is recorded of this read, which found so many rows. A field that is a secret is only named, whatever its form."""
    actor = ByClient(client_id=call.caller.client_id, sub=call.caller.sub)
    meta = envelope(actor, address=_origin(call.request, call.caller))
    filters = once_a_head(call.request.scope, _asked)
    if call.request.method == "POST":
        filters = (*filters, *_filters(members(call.body).items()))
    return audit_read(call.request.scope["path"], _template(call.request), filters, found, meta)


def _asked(scope: Scope) -> tuple[str, ...]:
    return _filters(once_a_head(scope, query_pairs))


def _filters(given: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return filters_of((name, "" if name in SECRETS else value) for name, value in given)


async def _record_refusal(request: Request, resources: Resources, caller: Caller, why: str) -> None:
    actor = ByClient(client_id=caller.client_id, sub=caller.sub)
    meta = envelope(actor, address=_origin(request, caller))
    said = f"{request.method} {_template(request)}"
    try:
        refused = not_permitted(caller.client_id, said, why)
        sender = Sender(whose=caller.counted_as, scopes=caller.scopes, address=address(request.scope))
        await record_not_permitted(resources, refused, sender, meta)
    except Unavailable as fault:  # the refusal stands, whether it can be recorded or not
        resources.outages.notice(fault)


def _template(request: Request) -> str:
    """Return the path as its route has it, such as /api/v1/auth/users/{user_id}: in the place of an id a client may put a person's name."""
    return route_of(request.scope) or request.scope["path"]  # one that was found without its route has no id in it


def _origin(request: Request, caller: Caller) -> str | None:
    """Return the address, except that of a user, which the log could never forget."""
    return None if caller.is_user else address(request.scope)


async def authenticate(request: Request, resources: Resources) -> Caller:
    """Return the caller that the console names, or that the token authenticates (RFC 6750, RFC 9449). Raises Unauthenticated.

    The caller of a bearer token stays the same until anything happens that the lookup caches.
    """
    if isinstance(signed_in := request.scope.get(CALLER), Caller):
        return signed_in
    sent = once_a_head(request.scope, _authorization)
    if not sent.count:
        raise Unauthenticated("Send an access token: Authorization: Bearer ...")
    if sent.presented is None:
        raise Unauthenticated(
            "Send one Authorization header of the form: Bearer, a space, and an access token.", error="invalid_request"
        )
    if sent.digest in resources.callers:
        with span("load"):
            await resources.lookup.be_current()
        if (caller := resources.callers.find(sent.digest)) is not None:
            return caller
    return await _authenticated(request, resources, sent.presented, sent.digest)


async def _authenticated(request: Request, resources: Resources, presented: PresentedToken, digest: bytes) -> Caller:
    changes = resources.lookup.changes
    try:
        claims = resources.tokens.verify(presented.token)
    except BadToken as fault:
        raise Unauthenticated(str(fault), error="invalid_token", scheme=presented.scheme) from fault
    with span("load"):
        seen = await resources.lookup.standing(claims)
    if seen is None:
        detail = "The token was revoked, or its client was disabled or deleted."
        raise Unauthenticated(detail, error="invalid_token", scheme=presented.scheme)
    await protected.prove(request, resources, presented, claims, seen)
    caller = caller_of(claims, seen.client)
    if claims.cnf is UNSET:  # otherwise each request needs a proof
        until = min(claims.exp + LEEWAY_SECONDS, resources.ring.until())
        resources.callers.keep(digest, caller, changes=changes, until=until)
    return caller


class _Authorization(Struct, frozen=True):
    """How many Authorization headers there are, and of the only one the token, and the digest of all that it says."""

    count: int
    presented: PresentedToken | None
    digest: bytes


def _authorization(scope: Scope) -> _Authorization:
    given = headers_named(scope, b"authorization")
    presented = protected.read(given[0]) if len(given) == 1 else None
    said = b"" if presented is None else f"{presented.scheme} {presented.token}".encode()
    return _Authorization(len(given), presented, sha256(said).digest())


async def _count(resources: Resources, caller: Caller | Unauthenticated, origin: str, headers: dict[str, str]) -> None:
    limit = resources.settings.rate_limit
    if limit == 0:
        return
    # A stranger has no token, or guesses one, so strangers are counted exactly.
    counts = resources.rate_limit if isinstance(caller, Caller) else resources.limits
    counted = await counts.count(_counted_as(caller, origin))
    headers.update(counted.headers(limit))
    if counted.used > limit:
        headers["Retry-After"] = str(counted.seconds)
        if counted.used == limit + 1:
            await record_throttling(resources, caller, limit, origin)
        raise TooMany(f"More than {limit} requests in this minute; try again in {counted.seconds} s.")


async def record_throttling(resources: Resources, caller: Caller | Unauthenticated, limit: int, origin: str) -> None:
    """Record that this caller sent more than the limit in a minute."""
    known = caller if isinstance(caller, Caller) else None
    throttled = RequestsThrottled(client_id=known and known.client_id, limit=limit, at=utc_now())
    shown = None if known and known.is_user else origin
    whose, scopes = (known.counted_as, known.scopes) if known else ("", ())
    sender = Sender(whose=whose, scopes=scopes, address=origin)
    await record_throttled_requests(resources, throttled, sender, shown)


def _counted_as(caller: Caller | Unauthenticated, origin: str) -> str:
    """A `sub` is proof only if the token has a scope of this API: a caller who chose its `sub` freely cannot get such a scope."""
    if not isinstance(caller, Caller):
        return f"address {network(origin)}"
    return f"caller {caller.sub}" if not caller.scopes.isdisjoint(MANAGEMENT) else f"client {caller.client_id}"
