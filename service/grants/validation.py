"""The validation of an authorization request, whether a browser brings it or its client pushes it."""

from collections.abc import Sequence

from events.client_key import PublicKey
from projections.clients import Found
from service.clock import utc_now
from service.grants.assertion_authentication import live
from service.grants.refusal_events import record_refusal
from service.grants.requests_by_reference import with_object
from service.network.fetching import CannotFetch
from service.oauth import authorize, redirects, signed_requests
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.authorize import Redirected
from service.oauth.errors import Shown
from service.oauth.first_checks import Mismatch
from service.oauth.parameters import Fault, Params
from service.oauth.redirects import SIGNED_MODES
from service.oauth.remote_keys import reach_of
from service.oauth.request_objects import BadRequestObject
from service.oauth.request_parameters import RequestParameters
from service.oauth.signed_requests import kid_of
from service.oauth.tokens import read_hint
from service.people.throttle import network
from service.resources import Resources

NOT_FETCHED = "The keys of the client could not be fetched from its jwksUri, which must answer with a JWK Set."

FURTHER = frozenset({"request", "request_uri", "id_token_hint", "resource", "audience"})
"""Parameters that bring in something else: a JWT, a request that was pushed or is fetched, an API."""


async def validated(
    resources: Resources,
    params: Params,
    twice: tuple[str, ...],
    found: Found | None,
    address: str,
    *,
    pushed: bool = False,
) -> tuple[AuthorizationRequest, Found]:
    """Return the request and its client. `pushed`: the client itself sent the parameters. What looks like misuse of a client is recorded.

    Raises Shown, Redirected.
    """
    unusable = None
    if not pushed:
        params, unusable = await with_object(resources, params, twice, found, address)
    keys, fault = await _keys_of(resources, params.get("request"), found, address)
    asked = _asked(resources, params, twice).__replace__(pushed=pushed, keys=keys, fault=unusable or fault)
    asked = signed_requests.opened(asked, found)
    try:
        good = _with_hint(resources, authorize.checked(asked, found), asked.params.get("id_token_hint"))
    except (Mismatch, Redirected) as fault:
        if fault.why:
            assert found is not None
            await record_refusal(resources, found.client.client_id, found, fault.why, address)
        raise
    assert found is not None
    return good, found


def plainly_valid(
    resources: Resources, params: Params, twice: tuple[str, ...], seen: Found
) -> AuthorizationRequest | None:
    """Return what `validated` returns of a request that depends on nothing else than its parameters and its client, and neither does its
    response (one that is signed depends on the keys). None: it is refused, or depends on more. Nothing is recorded.
    """
    if not FURTHER.isdisjoint(params) or seen.bot_state is not None or seen.client.document is not None:
        return None
    try:
        request = resources.requests_alike.checked(_asked(resources, params, twice), seen)
    except (Shown, Redirected, Fault):
        return None
    return None if request.response_mode in SIGNED_MODES else request


def _asked(resources: Resources, params: Params, twice: tuple[str, ...]) -> RequestParameters:
    settings = resources.settings
    return RequestParameters(
        params=params,
        twice=twice,
        issuer=settings.issuer,
        now=utc_now().timestamp(),
        insecure=settings.insecure_http_hosts,
        pkce_of_all=settings.pkce_of_all,
        apis=resources.lookup.apis,
        audience=settings.audience,
    )


async def _keys_of(
    resources: Resources, text: str | None, found: Found | None, address: str
) -> tuple[Sequence[PublicKey], Fault | None]:
    """Return the keys that may verify the request object, if there is one; or why they cannot be known."""
    if text is None or found is None:
        return (), None
    uri = found.client.security.jwks_uri
    if uri is None:
        return live(found.client.keys, utc_now()), None
    try:
        reach, asker = reach_of(found.client), network(address)
        return await resources.remote_keys.find(uri, kid_of(text), reach=reach, asker=asker), None
    except CannotFetch:
        return (), BadRequestObject(NOT_FETCHED)


def _with_hint(resources: Resources, asked: AuthorizationRequest, hint: str | None) -> AuthorizationRequest:
    """An id_token_hint names the only user whom the response may be about."""
    if hint is None:
        return asked
    about = read_hint(resources.ring, resources.settings.issuer, hint)
    if about is None:
        description = "The id_token_hint is not an ID token of this server, or its signing key is no longer in use."
        raise Redirected(redirects.refused(asked, resources.settings.issuer, "invalid_request", description))
    if asked.wanted_sub not in (None, str(about.sub)):
        description = "The id_token_hint and the parameter claims name two different users."
        raise Redirected(redirects.refused(asked, resources.settings.issuer, "invalid_request", description))
    return asked.__replace__(wanted_sub=str(about.sub))
