"""POST /openid/par (RFC 9126 section 2): a client pushes an authorization request, and sends its user on with a short reference to it.

The request is validated here as at the authorization endpoint, but every error is for the client.
"""

from msgspec import Struct, json

from projections.clients import Found
from service.grants.client_authentication import authenticate_client
from service.grants.document_clients import UnusableDocument, see_document
from service.grants.oauth_request import OAuthRequest
from service.grants.possession import key_of_code
from service.grants.validation import validated
from service.oauth.authorize import Redirected
from service.oauth.errors import InvalidRequest, Refusal, Refused, Shown, TooManyPushed
from service.oauth.parameters import Params
from service.people.throttle import network
from service.pushed_requests import LIFETIME_SECONDS

CREDENTIALS = ("client_secret", "client_assertion", "client_assertion_type")
MOST_OF_A_CLIENT = 3000
"""Pushed requests of a confidential client in a minute."""

MOST_OF_A_NETWORK = 300
"""Pushed requests of public clients in a minute, of one network of addresses. Anybody can send them, so a limit of the client would let
anybody lock out its users.
"""

BY_REFERENCE = "The parameter request_uri cannot be pushed. Send the parameters themselves (RFC 9126 section 2.1)."


class PushedResponse(Struct, frozen=True, kw_only=True):
    """RFC 9126 section 2.2. `expires_in` is in seconds."""

    request_uri: str
    expires_in: int


async def push(request: OAuthRequest) -> bytes:
    """Keep a valid request. Raises a Refusal."""
    await _see_document(request)
    found = await authenticate_client(request, public=True)
    await _are_few(request, found)
    if "request_uri" in request.form:
        raise InvalidRequest(BY_REFERENCE)
    try:
        good, _ = await validated(request.resources, _params(request, found), (), found, request.address, pushed=True)
    except Shown as fault:
        raise InvalidRequest(". ".join((fault.title, *fault.details))) from fault
    except Redirected as fault:
        raise _refused(fault) from fault
    good = good.__replace__(dpop_jkt=await key_of_code(request, found, good.dpop_jkt))
    uri = await request.resources.pushed.push(good)
    return json.encode(PushedResponse(request_uri=uri, expires_in=LIFETIME_SECONDS))


async def _see_document(request: OAuthRequest) -> None:
    try:
        await see_document(request.resources, request.form.get("client_id", ""), request.address)
    except UnusableDocument as fault:
        raise Refused(400, "invalid_client", ". ".join((fault.title, *fault.details))) from fault


def _params(request: OAuthRequest, found: Found) -> Params:
    """Return the parameters of the authorization request. A client that sends its client_id in a header need not repeat it."""
    params = {name: value for name, value in request.form.items() if name not in CREDENTIALS}
    return {"client_id": found.client.client_id, **params}


def _refused(fault: Redirected) -> Refusal:
    params = fault.redirect.params
    return Refused(400, params["error"], params["error_description"])


async def _are_few(request: OAuthRequest, found: Found) -> None:
    """Raises TooManyPushed."""
    whose, most = f"client {found.client.client_id}", MOST_OF_A_CLIENT
    if found.client.public:
        whose, most = f"network {network(request.address)}", MOST_OF_A_NETWORK
    counted = await request.resources.limits.count(f"pushed requests of {whose}")
    if counted.used > most:
        raise TooManyPushed(most, counted.seconds)
