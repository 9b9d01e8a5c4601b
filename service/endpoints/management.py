"""The checks of every request to the management API: bearer token, rate limit and scope. Every path of the API is one `Managed`."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from events.database import Unavailable
from events.envelope import ByClient
from service.callers import Caller
from service.endpoints import paging, protected, reason_header
from service.endpoints.audited_reads import is_audited, read_of, record_nothing_found
from service.endpoints.authentication import authenticate
from service.endpoints.call import Call, origin, template
from service.endpoints.request_limit import count_request
from service.endpoints.resource_metadata import MANAGEMENT_API
from service.endpoints.responses import MIN_POSITION, Found, as_problem, position_in, refusal, sent_at_once, unreached
from service.grants.audited_reads import record_read
from service.grants.refusal_events import Sender, not_permitted, record_not_permitted
from service.http.asgi import address, header, read_body, repeated, resources_of, respond
from service.http.last_head import once_a_head
from service.http.methods import action_of
from service.problems import Forbidden, Invalid, NotFound, Unauthenticated
from service.refusals import DoesNotExist, NotPermitted
from service.request_id import envelope, this_request
from service.resources import Resources

COUNTED = "muniment.counted"
"""The key of an ASGI scope that says whether the rate limit has counted the page of the console for which this is read."""

TAKES = "muniment.takes"
"""The key of an ASGI scope for the function that takes the response and its further headers as they are, without ASGI's messages."""

NO_STORE = {"cache-control": "no-store"}
_NO_STORE = tuple((name.encode(), value.encode()) for name, value in NO_STORE.items())

_MIN_POSITION = MIN_POSITION.lower().encode()


class Head(Struct, frozen=True):
    """What the head of a request says to every path alike. `repeated` is why it is refused if a header is there too often."""

    has_credential: bool
    repeated: str | None
    min_position: str | None


def _head_of(scope: Scope) -> Head:
    return Head(paging.has_credential(scope), repeated(scope), header(scope, _MIN_POSITION))


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
            await count_request(resources, caller, request.scope, headers)
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
        if is_audited(call):
            await record_nothing_found(call)
        raise
    if is_audited(call):
        await record_read(resources, read_of(call, response.found if isinstance(response, Found) else None))
    return response


async def _record_refusal(request: Request, resources: Resources, caller: Caller, why: str) -> None:
    actor = ByClient(client_id=caller.client_id, sub=caller.sub)
    meta = envelope(actor, address=origin(request, caller))
    said = f"{request.method} {template(request)}"
    try:
        refused = not_permitted(caller.client_id, said, why)
        sender = Sender(whose=caller.counted_as, scopes=caller.scopes, address=address(request.scope))
        await record_not_permitted(resources, refused, sender, meta)
    except Unavailable as fault:  # the refusal stands, whether it can be recorded or not
        resources.outages.notice(fault)
