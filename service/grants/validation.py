"""The validation of an authorization request, whether a browser brings it or its client pushes it."""

from projections.clients import Found
from service.clock import utc_now
from service.grants.refusal_events import record_refusal
from service.oauth import authorize, redirects, signed_requests
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.authorize import Mismatch, Redirected, RequestParameters
from service.oauth.parameters import Params
from service.oauth.tokens import read_hint
from service.resources import Resources


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
    settings = resources.settings
    asked = RequestParameters(
        params=params,
        twice=twice,
        issuer=settings.issuer,
        now=utc_now().timestamp(),
        insecure=settings.insecure_http_hosts,
        pkce_of_all=settings.pkce_of_all,
        apis=resources.lookup.apis,
        audience=settings.audience,
        pushed=pushed,
    )
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
