"""The door of the OAuth endpoints: a POST with a form, answered in OAuth's dialect. Plain ASGI, for these are the hottest routes."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct, json
from starlette.types import Receive, Scope, Send

from events.database import Unavailable
from projections.clients import Found, is_ours
from service.endpoints.asgi import (
    BodyCutShort,
    BodyTooLong,
    address,
    answer,
    header,
    headers_named,
    read_body,
    resources_of,
)
from service.endpoints.management import BEYOND, MIN_POSITION, as_problem, reached, refusal
from service.endpoints.remembering import remember_failure, remember_throttling
from service.lookup import Seen
from service.oauth.authentication import Presented, presented, prove
from service.oauth.errors import CHALLENGE, InvalidClient, InvalidRequest, Refusal, ServerAway, TooLong, TooManyFailures
from service.oauth.form import Form, parse
from service.oauth.server import utc_now
from service.people.throttle import network
from service.problems import NotAllowed
from service.request_id import this_request
from service.resources import Resources

MANY_CLIENTS = 10
"""How many clients of one address may all be failing before that counts against it: a company's are behind one."""

NO_STORE = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}


class Asked(Struct, frozen=True, kw_only=True):
    """One request to an OAuth endpoint."""

    resources: Resources
    form: Form
    authorization: str | None
    address: str


class OAuth:
    """One OAuth endpoint, as an ASGI application; `carry_out` gives the body of a 200."""

    def __init__(self, carry_out: Callable[[Asked], Awaitable[bytes]]) -> None:
        self._carry_out = carry_out

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        outages = resources_of(scope).outages
        try:
            if scope["method"] != "POST":
                await _not_post(scope, receive, send)
                return
            body = await self._carry_out(await _asked(scope, receive))
        except Refusal as refused:
            await _refuse(send, refused, _challenge(scope, refused))
        except Unavailable as fault:
            outages.notice(fault)
            await _refuse(send, ServerAway())
        except Exception as fault:  # noqa: BLE001 - whatever it is, the stranger gets an answer and the log gets the fault
            request_id = this_request()
            await refusal(as_problem(fault, request_id, outages), request_id)(scope, receive, send)
        else:
            await answer(send, 200, NO_STORE, body)


def presented_or_none(asked: Asked) -> Presented | None:
    """None when the client gives no good credentials; whether that matters first is for Authlib to say."""
    try:
        return presented(asked.authorization, asked.form)
    except InvalidClient:
        return None


async def look_up(asked: Asked, given: Presented | None) -> Seen | None:
    seen = await asked.resources.lookup.named(given.client_id) if given else None
    return None if seen is None else asked.resources.imported.known(seen)


async def certainly(asked: Asked, given: Presented | None) -> Seen | None:
    """The client as it is now, whatever happened on any process before this call."""
    await asked.resources.lookup.be_certain()
    seen = await look_up(asked, given)
    if seen is None or given is None or given.client_secret is None:
        return seen
    try:
        return await asked.resources.imported.settle(seen, given.client_secret, asked.address)
    except TooManyFailures:
        await remember_throttling(asked.resources, seen, asked.address)
        raise


async def authenticated(asked: Asked, *, public: bool = False) -> Found:
    """The client that calls, proved from certain facts; a public one, which proves nothing, only with `public`.

    Raises InvalidClient, or TooManyFailures.
    """
    given = presented(asked.authorization, asked.form)
    found = await certainly(asked, given)
    try:
        _proved(given, found, public=public)
    except InvalidClient:
        await count_failure(asked, given, found)
        raise
    assert found is not None
    return found


def _proved(given: Presented, found: Found | None, *, public: bool) -> None:
    if prove(given, found, utc_now()) is None and not public:
        raise InvalidClient


async def count_failure(asked: Asked, given: Presented | None, found: Found | None) -> None:
    """Failures are counted per client and address; successes never are. Raises TooManyFailures."""
    try:
        await _count_failure(asked, given)
    except TooManyFailures:
        await remember_throttling(asked.resources, found, asked.address)
        raise
    if given is not None:
        await remember_failure(asked.resources, given, found, asked.address)


async def _count_failure(asked: Asked, given: Presented | None) -> None:
    """And, up to MANY_CLIENTS times as many, those of the address alone, which may name any number of clients."""
    limit = asked.resources.settings.failed_auth_limit
    if limit == 0:
        return
    everybody = await asked.resources.limits.count(f"failed {network(asked.address)}")
    if everybody.used > MANY_CLIENTS * limit:
        raise TooManyFailures(everybody.seconds)
    # What has not the form of a client_id of ours is counted together: it may be anything, of any length. Imported clients, too.
    client_id = given.client_id if given and is_ours(given.client_id) else ""
    counted = await asked.resources.limits.count(f"failed {asked.address} {client_id}")
    if counted.used > limit:
        raise TooManyFailures(counted.seconds)


def required(form: Form, name: str) -> str:
    value = form.get(name)
    if value is None:
        raise InvalidRequest(f"The parameter {name} is missing. Send it in the body.")
    return value


async def _asked(scope: Scope, receive: Receive) -> Asked:
    resources = resources_of(scope)
    try:
        body = await read_body(scope, receive)
    except BodyTooLong as fault:
        raise TooLong("The body is longer than 64 KiB.") from fault
    except BodyCutShort as fault:
        raise InvalidRequest("The body ended before its end.") from fault
    form = parse(header(scope, b"content-type") or "", body)
    wanted = header(scope, MIN_POSITION.lower().encode())
    if wanted is not None and not await reached(resources, _position(wanted)):
        raise InvalidRequest(BEYOND)
    return Asked(resources=resources, form=form, authorization=_authorization(scope), address=address(scope))


def _authorization(scope: Scope) -> str | None:
    given = headers_named(scope, b"authorization")
    if len(given) > 1:
        raise InvalidRequest("There is more than one Authorization header.")
    return given[0] if given else None


def _position(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    raise InvalidRequest(f"{MIN_POSITION} must be a position of the log: a whole number.")


def _challenge(scope: Scope, refused: Refusal) -> Mapping[str, str]:
    """RFC 6749 section 5.2: for a client that tried to authenticate by a header."""
    challenged = isinstance(refused, InvalidClient) and headers_named(scope, b"authorization")
    return CHALLENGE if challenged else {}


async def _refuse(send: Send, refused: Refusal, headers: Mapping[str, str] | None = None) -> None:
    body: dict[str, Any] = {"error": refused.error, "error_description": refused.description}
    await answer(send, refused.status, {**NO_STORE, **refused.headers, **(headers or {})}, json.encode(body))


async def _not_post(scope: Scope, receive: Receive, send: Send) -> None:
    problem = NotAllowed("This endpoint answers POST.")
    problem.headers["Allow"] = "POST"
    await refusal(problem, this_request())(scope, receive, send)
