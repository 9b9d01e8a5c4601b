"""The checks of an authorization request, in their order. Each is named for what it requires.

Until those of `first_checks` are passed, an error is shown to the user (Shown). After that, it is sent to the client (Redirected).
RFC 6749 section 4.1.2.1, RFC 9700 section 4.11.
"""

from projections.clients import Found
from service.oauth import parameters, redirect_match, redirects, request_objects, targets
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.errors import InvalidTarget, Shown
from service.oauth.first_checks import DISABLED, client_is_known, redirect_uri_is_registered
from service.oauth.form import LONGEST_NAME
from service.oauth.parameters import Fault, Params, is_visible
from service.oauth.redirects import RESPONSE_MODES, Redirect
from service.oauth.remote_requests import BadRequestUri
from service.oauth.request_objects import BadRequestObject
from service.oauth.request_parameters import RequestParameters
from service.oauth.targets import Known, Target
from service.values.scopes import split

MOST_CHARACTERS = 2048
"""The limit of any one parameter, except those in LONGER. All of them are sent in URLs."""

LONGER = {"state": 4096, "id_token_hint": 16_384}
"""Limits in characters. Some frameworks keep all data of a login in state; an ID token contains its subject's groups. Of the two, only
state becomes a part of the sealed request."""

OWN = frozenset({"state", "nonce", "code_challenge", "login_hint"})
"""Parameters that differ from request to request of a client, or from user to user. Each is checked by itself."""

NOT_OFFERED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


class Redirected(Exception):
    """An error that is sent to the client, by this redirect (RFC 6749 section 4.1.2.1).

    `why` is for the log, if the request may be forged; it quotes nothing.
    """

    def __init__(self, redirect: Redirect, *, why: str = "") -> None:
        super().__init__(redirect.params.get("error", ""))
        self.redirect, self.why = redirect, why


def checked(asked: RequestParameters, found: Found | None) -> AuthorizationRequest:
    """Validate every part of the request. Raises Shown or Redirected."""
    found = client_is_known(asked, found)
    uri, named = redirect_uri_is_registered(asked, found)
    inside = request_objects.unverified_parameters(asked.params.get("request"))
    mode = asked.params.get("response_mode", inside.response_mode or "query")
    state = asked.params.get("state", inside.state)
    answer = AuthorizationRequest(
        client_id=found.client.client_id,
        redirect_uri=uri,
        named=named,
        response_mode=mode if mode in RESPONSE_MODES else "query",
        response_alg=found.client.security.authorization_signed_response_alg,
        state=state if state is not None and is_visible(state) else None,
        asked_at=asked.now,
    )
    try:
        return _request(asked, found, answer)
    except Fault as fault:
        refused = redirects.refused(answer, asked.issuer, fault.error, str(fault))
        raise Redirected(
            refused, why=str(fault) if isinstance(fault, BadRequestObject | BadRequestUri) else ""
        ) from fault


def with_own(asked: RequestParameters, found: Found, alike: AuthorizationRequest) -> AuthorizationRequest:
    """Return what `checked` does, if it returned `alike` for the same parameters but those in OWN. Raises Fault."""
    own = {name: asked.params[name] for name in OWN if name in asked.params}
    _nothing_is_too_long(own)
    return alike.__replace__(
        asked_at=asked.now,
        state=own.get("state"),
        nonce=parameters.visible(own, "nonce"),
        code_challenge=parameters.challenge_of(asked.params, found, of_all=asked.pkce_of_all),
        login_hint=own.get("login_hint"),
    )


def still_good(
    request: AuthorizationRequest, found: Found | None, issuer: str, *, pkce_of_all: bool, known: Known | None = None
) -> tuple[AuthorizationRequest, Found]:
    """Validate the request again against its current client. The result has only the scopes that the client may still have.

    Raises Shown or Redirected.
    """
    if found is None or not found.may_act or found.client.login is None:
        raise Shown(*DISABLED, status=403)
    known = known or Known(issuer=issuer, audience=issuer)
    if request.device is not None:
        return _still_of_a_device(request, found, known), found
    if not redirect_match.matches(request.redirect_uri, found.client.redirect_uris):
        raise Shown(
            "The redirect_uri is no longer registered for this client",
            "Its owner removed it while this page was open. Send a new request with a registered redirect URI.",
        )
    try:
        target = _target(request.resource, found, known)
        scopes = _scopes(request.scopes, target)
        parameters.pkce_is_used(request.code_challenge, found, of_all=pkce_of_all)
        parameters.is_pushed(found, pushed=request.pushed is not None)
    except Fault as fault:
        raise Redirected(redirects.refused(request, issuer, fault.error, str(fault))) from fault
    return request.__replace__(scopes=scopes), found


def of_device(params: Params, found: Found, known: Known) -> tuple[tuple[str, ...], str | None]:
    """Return the scopes and the resources that a device asks for (RFC 8628 section 3.1). Raises Fault, InvalidTarget."""
    named = targets.named(params, found.client, known)
    target = targets.aimed(named, found.client, known, person=True)
    return _scopes(split(params.get("scope")), target), " ".join(named) or None


def _still_of_a_device(request: AuthorizationRequest, found: Found, known: Known) -> AuthorizationRequest:
    """There is nobody to whom an error could be sent: the device learns of it when its code expires (RFC 8628). Raises Shown."""
    if not found.client.security.device_grant:
        raise Shown("People cannot sign in to this client on a device", "Its owner can allow it again (deviceGrant).")
    try:
        target = _target(request.resource, found, known)
        return request.__replace__(scopes=_scopes(request.scopes, target), access_token_claims=target.claims)
    except Fault as fault:
        raise Shown("The client may no longer have what its device asks for", str(fault)) from fault


def _request(asked: RequestParameters, found: Found, answer: AuthorizationRequest) -> AuthorizationRequest:
    params = asked.params
    if asked.fault:
        raise asked.fault
    parameters.is_pushed(found, pushed=asked.pushed)
    parameters.is_signed(found, signed=asked.signed)
    _nothing_comes_twice(asked)
    _what_is_not_offered_is_not_asked(params)
    _nothing_is_too_long(params)
    _the_response_is_a_code(params)
    wanted = parameters.wanted_claims(params)
    resource = " ".join(_named(asked, found)) or None
    target = _target(resource, found, asked.known)
    return answer.__replace__(
        scopes=_scopes(split(params.get("scope")), target),
        nonce=parameters.visible(params, "nonce"),
        code_challenge=parameters.challenge_of(params, found, of_all=asked.pkce_of_all),
        dpop_jkt=parameters.thumbprint(params),
        prompts=parameters.prompts(params),
        max_age=parameters.max_age(params, found.client.security.default_max_age),
        login_hint=params.get("login_hint"),
        acr_values=split(params.get("acr_values")),
        ui_locales=split(params.get("ui_locales")),
        resource=resource,
        access_token_claims=target.claims,
        id_token_claims=wanted.id_token,
        userinfo_claims=wanted.userinfo,
        wanted_sub=wanted.sub,
        essential_acrs=wanted.acrs,
    )


def _named(asked: RequestParameters, found: Found) -> tuple[str, ...]:
    try:
        return targets.named(asked.params, found.client, asked.known)
    except InvalidTarget as fault:
        raise Fault(fault.error, fault.description) from fault


def _target(resource: str | None, found: Found, known: Known) -> Target:
    try:
        return targets.aimed(split(resource), found.client, known, person=True)
    except InvalidTarget as fault:
        raise Fault(fault.error, fault.description) from fault


def _scopes(asked: tuple[str, ...], target: Target) -> tuple[str, ...]:
    """A client that requests none gets its own. It may have none of an API that it may use: then the token is for the API alone."""
    wanted = asked or target.scopes
    if not wanted and target.terms:
        return ()
    try:
        return parameters.granted(wanted, target.scopes)
    except Fault as fault:
        raise Fault(fault.error, f"{fault}{'' if target.is_known else targets.UNKNOWN}") from fault


def _nothing_comes_twice(asked: RequestParameters) -> None:
    if asked.twice:
        twice = ", ".join(name[:LONGEST_NAME] for name in asked.twice)
        raise Fault("invalid_request", f"Parameters given more than once: {twice}. Send each once.")


def _nothing_is_too_long(params: Params) -> None:
    long = sorted(name for name, value in params.items() if len(value) > LONGER.get(name, MOST_CHARACTERS))
    if long:
        most = ", ".join(f"{name[:LONGEST_NAME]} ({LONGER.get(name, MOST_CHARACTERS)})" for name in long)
        raise Fault("invalid_request", f"Parameters longer than this server takes, in characters: {most}.")
    if not is_visible(params.get("state", "")):
        raise Fault("invalid_request", "The parameter state has characters that are not printable ASCII.")


def _what_is_not_offered_is_not_asked(params: Params) -> None:
    for name, error in NOT_OFFERED.items():
        if name in params:
            raise Fault(error, f"This server does not take the parameter {name}; send plain parameters.")
    if params.get("response_mode", "query") not in RESPONSE_MODES:
        raise Fault("invalid_request", f"The parameter response_mode must be one of: {', '.join(RESPONSE_MODES)}.")


def _the_response_is_a_code(params: Params) -> None:
    kind = params.get("response_type")
    if kind is None:
        raise Fault("invalid_request", "The parameter response_type is missing. Send response_type=code.")
    if kind != "code":
        raise Fault("unsupported_response_type", "The parameter response_type must be code; nothing else is offered.")
