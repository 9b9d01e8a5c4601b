"""The OAuth endpoints: a POST with a form, OAuth's error format, and the choice of the grant. They are plain ASGI, because they are the
busiest routes.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from msgspec import Struct, json
from starlette.types import Receive, Scope, Send

from events.database import Overloaded, Unavailable
from service.endpoints.protected import next_nonce
from service.endpoints.responses import MIN_POSITION, OVERLOADED, as_problem, refusal, unreached
from service.grants import authorization_code, client_credentials, device_code, jwt_bearer, refresh_token
from service.grants.oauth_request import OAuthRequest
from service.grants.repetition import Repetition
from service.grants.token_exchange import exchange
from service.http.asgi import (
    BodyCutShort,
    BodyTooLong,
    Head,
    address,
    answer,
    answer_at_once,
    certificate_headers,
    header,
    headers_named,
    read_body,
    repeated,
    resources_of,
)
from service.http.last_head import once_a_head
from service.metrics.cells import Counter
from service.metrics.families import ISSUED, OTHER, SERVER_ERROR
from service.oauth import authlib_grants, identity_assertions, token_exchange
from service.oauth.errors import CHALLENGE, InvalidClient, InvalidRequest, Refusal, ServerAway, TooLong
from service.oauth.form import parse
from service.problems import NotAllowed
from service.request_id import this_request
from service.resources import Resources

LONGEST_AGENT = 300
MOST_AGAIN = 4096
"""The length of a body of which it is asked whether it came before."""

AUTHORIZATION, DPOP, LEAST_POSITION = b"authorization", b"dpop", MIN_POSITION.lower().encode()
NO_STORE = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
USUAL = Head(NO_STORE)


class OAuth:
    """One OAuth endpoint, as an ASGI application; `carry_out` returns the body of the response. It counts its responses itself.

    `any_text`: the parameters may have any characters. `again` is asked first, if the body has `only_with` in it: it returns the response to a
    request that it knows, or None.
    """

    def __init__(
        self,
        path: str,
        carry_out: Callable[[OAuthRequest], Awaitable[bytes]],
        *,
        success: int = 200,
        any_text: bool = False,
        again: Callable[[Repetition], Awaitable[bytes | None]] | None = None,
        only_with: bytes = b"",
    ) -> None:
        self._path, self._carry_out, self._success, self._any_text = path, carry_out, success, any_text
        self._again, self._only_with = again, only_with

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun, resources, status = time.perf_counter(), resources_of(scope), self._success
        try:
            sent, body = await _read(scope, receive)
            digest = response = None
            if self._again is not None and self._only_with in body and (digest := sent.digest(body)) is not None:
                response = await self._again(Repetition(resources, digest, sent.address))
            if response is None:
                request = self._request(resources, sent, body, digest)
                if sent.least_position is not None:
                    await _reach(resources, sent.least_position)
                response = await self._carry_out(request)
        except Refusal as refused:
            status = refused.status
            await _refuse(send, refused, _challenge(scope, refused))
        except Unavailable as fault:
            status = ServerAway.status
            resources.outages.notice(fault)
            await _refuse(send, ServerAway(OVERLOADED) if isinstance(fault, Overloaded) else ServerAway())
        except Exception as fault:  # noqa: BLE001 - after any fault the stranger gets a response, and the log gets the fault
            request_id = this_request()
            problem = refusal(as_problem(fault, request_id, resources.outages), request_id)
            status = problem.status_code
            await problem(scope, receive, send)
        else:
            if sent.proofs and (nonce := next_nonce(scope, resources)):
                await answer(send, status, {**NO_STORE, **nonce}, response)
            else:
                await answer_at_once(scope, send, status, USUAL, response)
        resources.metrics.answered(self._path, scope["method"], status, time.perf_counter() - begun)

    def _request(self, resources: Resources, sent: "_Sent", body: bytes, digest: bytes | None) -> OAuthRequest:
        form = parse(sent.content_type, body, any_text=self._any_text)
        if len(sent.authorizations) > 1:
            raise InvalidRequest("There is more than one Authorization header.")
        return OAuthRequest(
            resources=resources,
            form=form,
            authorization=sent.authorizations[0] if sent.authorizations else None,
            address=sent.address,
            agent=sent.agent,
            proofs=sent.proofs,
            path=self._path,
            certificates=sent.certificates,
            digest=digest,
        )


async def issue_token(request: OAuthRequest) -> bytes:
    """POST /openid/token: carry out the grant that grant_type names (RFC 6749 sections 4.1.3, 4.4.2 and 6, RFC 8628). Raises a Refusal."""
    grant = request.form.get("grant_type")
    results = request.resources.metrics.tokens.get(grant or OTHER) or request.resources.metrics.tokens[OTHER]
    try:
        issued = await _grant(grant)(request)
    except Exception as fault:
        _count(results, fault)
        raise
    results[ISSUED].inc()
    return issued


async def issue_token_again(again: Repetition) -> bytes | None:
    """The same for a machine that asks for a token as it did before. Return None if it has to be decided again."""
    if again.digest not in again.resources.machine_tokens:
        return None
    results = again.resources.metrics.tokens[client_credentials.GRANT_TYPE]
    try:
        issued = await client_credentials.issue_again(again)
    except Exception as fault:
        _count(results, fault)
        raise
    if issued is not None:
        results[ISSUED].inc()
    return issued


def _count(results: Mapping[str, Counter], fault: Exception) -> None:
    match fault:
        case Refusal():
            results.get(fault.error, results[OTHER]).inc()
        case Unavailable():
            results[ServerAway.error].inc()
        case _:
            results[SERVER_ERROR].inc()


def _grant(grant_type: str | None) -> Callable[[OAuthRequest], Awaitable[bytes]]:
    match grant_type:
        case "authorization_code":
            return authorization_code.redeem
        case "refresh_token":
            return refresh_token.exchange
        case authlib_grants.DEVICE:
            return device_code.redeem
        case token_exchange.GRANT_TYPE:
            return exchange
        case identity_assertions.GRANT_TYPE:
            return jwt_bearer.redeem
        case _:  # an unknown grant_type is refused there as well
            return client_credentials.issue


async def _read(scope: Scope, receive: Receive) -> tuple["_Sent", bytes]:
    if scope["method"] != "POST":
        raise NotAllowed("This endpoint accepts POST only.", headers={"Allow": "POST"})
    try:
        body = await read_body(scope, receive)
    except BodyTooLong as fault:
        raise TooLong("The body is longer than 64 KiB.") from fault
    except BodyCutShort as fault:
        raise InvalidRequest("The body ended early. Send it again.") from fault
    sent = once_a_head(scope, _sent)
    if sent.fault is not None:
        raise InvalidRequest(sent.fault)
    return sent, body


async def _reach(resources: Resources, position: str) -> None:
    if fault := await unreached(resources, position):
        raise InvalidRequest(fault)


class _Sent(Struct, frozen=True, kw_only=True):
    """What the head of a request says, and from where it came. `fault` is why it is refused. `begins` is what it says in the digest of a
    request that may be made again; None, if more is asked than its credentials and its body say.
    """

    fault: str | None
    content_type: str
    least_position: str | None
    authorizations: Sequence[str]
    address: str
    agent: str
    proofs: Sequence[str]
    certificates: Sequence[str]
    begins: bytes | None

    def digest(self, body: bytes) -> bytes | None:
        """Return the digest of all that the request says, if another one may say the same and be answered in the same way."""
        return None if self.begins is None or len(body) > MOST_AGAIN else sha256(self.begins + body).digest()


def _sent(scope: Scope) -> _Sent:
    given: dict[bytes, bytes] = dict(scope["headers"])
    authorizations = headers_named(scope, AUTHORIZATION) if AUTHORIZATION in given else ()
    content_type = given.get(b"content-type", b"").decode("latin-1")
    certificates = certificate_headers(scope, resources_of(scope).settings)
    says_more = certificates or DPOP in given or LEAST_POSITION in given or len(given) != len(scope["headers"])
    return _Sent(
        fault=repeated(scope) if len(given) != len(scope["headers"]) else None,
        content_type=content_type,
        least_position=header(scope, LEAST_POSITION) if LEAST_POSITION in given else None,
        authorizations=authorizations,
        address=address(scope),
        agent=given.get(b"user-agent", b"")[:LONGEST_AGENT].decode("latin-1"),
        proofs=headers_named(scope, DPOP) if DPOP in given else (),
        certificates=certificates,
        begins=None if says_more else json.encode((content_type, authorizations)),
    )


def _challenge(scope: Scope, refused: Refusal) -> Mapping[str, str]:
    """RFC 6749 section 5.2: the challenge for a client that used the Authorization header."""
    challenged = isinstance(refused, InvalidClient) and headers_named(scope, AUTHORIZATION)
    return CHALLENGE if challenged else {}


async def _refuse(send: Send, refused: Refusal, headers: Mapping[str, str] | None = None) -> None:
    body: dict[str, Any] = {"error": refused.error, "error_description": refused.description}
    await answer(send, refused.status, {**NO_STORE, **refused.headers, **(headers or {})}, json.encode(body))
