"""The OAuth endpoints: a POST with a form, OAuth's error format, and the choice of the grant. They are plain ASGI, because they are the
busiest routes.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import json
from starlette.types import Receive, Scope, Send

from events.database import Unavailable
from service.endpoints.responses import MIN_POSITION, as_problem, refusal, unreached
from service.grants import authorization_code, client_credentials, refresh_token
from service.grants.oauth_request import OAuthRequest
from service.http.asgi import (
    BodyCutShort,
    BodyTooLong,
    address,
    answer,
    header,
    headers_named,
    read_body,
    resources_of,
)
from service.oauth.errors import CHALLENGE, InvalidClient, InvalidRequest, Refusal, ServerAway, TooLong
from service.oauth.form import parse
from service.problems import NotAllowed
from service.request_id import this_request

NO_STORE = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuth:
    """One OAuth endpoint, as an ASGI application; `carry_out` returns the body of a 200."""

    def __init__(self, carry_out: Callable[[OAuthRequest], Awaitable[bytes]]) -> None:
        self._carry_out = carry_out

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        outages = resources_of(scope).outages
        try:
            if scope["method"] != "POST":
                await _not_post(scope, receive, send)
                return
            body = await self._carry_out(await _request(scope, receive))
        except Refusal as refused:
            await _refuse(send, refused, _challenge(scope, refused))
        except Unavailable as fault:
            outages.notice(fault)
            await _refuse(send, ServerAway())
        except Exception as fault:  # noqa: BLE001 - after any fault the stranger gets a response, and the log gets the fault
            request_id = this_request()
            await refusal(as_problem(fault, request_id, outages), request_id)(scope, receive, send)
        else:
            await answer(send, 200, NO_STORE, body)


async def issue_token(request: OAuthRequest) -> bytes:
    """POST /openid/token: carry out the grant that grant_type names (RFC 6749 sections 4.1.3, 4.4.2 and 6). Raises a Refusal."""
    match request.form.get("grant_type"):
        case "authorization_code":
            return await authorization_code.redeem(request)
        case "refresh_token":
            return await refresh_token.exchange(request)
        case _:  # an unknown grant_type is refused there as well
            return await client_credentials.issue(request)


async def _request(scope: Scope, receive: Receive) -> OAuthRequest:
    resources = resources_of(scope)
    try:
        body = await read_body(scope, receive)
    except BodyTooLong as fault:
        raise TooLong("The body is longer than 64 KiB.") from fault
    except BodyCutShort as fault:
        raise InvalidRequest("The body ended early. Send it again.") from fault
    form = parse(header(scope, b"content-type") or "", body)
    if fault := await unreached(resources, header(scope, MIN_POSITION.lower().encode())):
        raise InvalidRequest(fault)
    return OAuthRequest(resources=resources, form=form, authorization=_authorization(scope), address=address(scope))


def _authorization(scope: Scope) -> str | None:
    given = headers_named(scope, b"authorization")
    if len(given) > 1:
        raise InvalidRequest("There is more than one Authorization header.")
    return given[0] if given else None


def _challenge(scope: Scope, refused: Refusal) -> Mapping[str, str]:
    """RFC 6749 section 5.2: the challenge for a client that used the Authorization header."""
    challenged = isinstance(refused, InvalidClient) and headers_named(scope, b"authorization")
    return CHALLENGE if challenged else {}


async def _refuse(send: Send, refused: Refusal, headers: Mapping[str, str] | None = None) -> None:
    body: dict[str, Any] = {"error": refused.error, "error_description": refused.description}
    await answer(send, refused.status, {**NO_STORE, **refused.headers, **(headers or {})}, json.encode(body))


async def _not_post(scope: Scope, receive: Receive, send: Send) -> None:
    problem = NotAllowed("This endpoint accepts POST only.")
    problem.headers["Allow"] = "POST"
    await refusal(problem, this_request())(scope, receive, send)
