"""Client metadata as clients send and publish it: the members of RFC 7591 section 2 and OpenID Connect Dynamic Client Registration 1.0
section 2, and the settings that follow from them. It has no I/O.

Members that are unknown or null count as omitted. What this server lacks is left out of what is registered, if the client can do without;
otherwise every fault is named at once.
"""

from collections.abc import Collection, Mapping
from typing import Any, get_args

from msgspec import Struct

from events.client import USUAL_ID_TOKEN_ALG, IdTokenAlg, Login
from events.client_key import PublicKey
from events.client_registration import About
from events.client_security import USUAL_RESPONSE_ALG, AuthorizationResponseAlg, RequestObjectAlg, Security, UserinfoAlg
from service.commands.key import BY_KEY
from service.network import redirect_uri
from service.oauth.client_metadata_keys import keys_of
from service.oauth.client_metadata_members import Faults, Members, check_length, read
from service.values.scopes import IDENTITY, NEW_CLIENT, is_scope, split
from service.values.text import name_fault

CODE, REFRESH, MACHINE = "authorization_code", "refresh_token", "client_credentials"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
BASIC, NONE = "client_secret_basic", "none"
NATIVE, WEB = "native", "web"
ID_TOKEN_ALGS: tuple[IdTokenAlg, ...] = ("RS256", "ES256")
ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "id_token_signed_response_alg": ID_TOKEN_ALGS,
    "request_object_signing_alg": get_args(RequestObjectAlg),
    "authorization_signed_response_alg": get_args(AuthorizationResponseAlg),
    "userinfo_signed_response_alg": get_args(UserinfoAlg),
}
PAGES = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
PROTECTING = (
    "id_token_encrypted_response_alg",
    "userinfo_encrypted_response_alg",
    "sector_identifier_uri",
)
"""Members of protections that this server lacks. To ignore them would leave the client with less than it relies on."""


class Policy(Struct, frozen=True, kw_only=True):
    """What a client may register. `scopes` are those besides the scopes about users; `backchannel` allows a URI that this server
    calls. `has_keys` says that the client has keys already, which stay if it names none.
    """

    issuer: str
    scopes: frozenset[str] = frozenset(NEW_CLIENT)
    grant_types: tuple[str, ...] = (CODE, REFRESH)
    auth_methods: tuple[str, ...] = (BASIC, "client_secret_post", BY_KEY, NONE)
    has_keys: bool = False
    backchannel: bool = False
    insecure: Collection[str] = ()


class ClientMetadata(Struct, frozen=True, kw_only=True):
    """The metadata of a client, checked. `scopes` are its own, without those about users."""

    redirect_uris: tuple[str, ...]
    display_name: str | None
    scopes: tuple[str, ...]
    auth_method: str
    login: Login
    security: Security
    about: About
    keys: tuple[PublicKey, ...] = ()

    @property
    def public(self) -> bool:
        return self.auth_method == NONE

    @property
    def has_secret(self) -> bool:
        return self.auth_method not in (NONE, BY_KEY)

    @property
    def is_machine(self) -> bool:
        return MACHINE in self.about.grant_types


def client_metadata(given: Mapping[str, Any], policy: Policy) -> ClientMetadata:
    """Check the members of a registration or of a document. Raises InvalidRedirectUri, InvalidClientMetadata with every fault."""
    members, faults = read(given)
    grants = _grant_types(members, policy, faults)
    method = _auth_method(members, policy, grants, faults)
    is_machine = MACHINE in grants
    has_browser = CODE in grants
    uris = _redirect_uris(members, policy, method, faults) if has_browser else ()
    _response_types(members, faults, has_browser=has_browser)
    _what_it_relies_on(given, members, faults)
    _pages(members, faults)
    scope = _scope(members, policy, is_machine=is_machine)
    if members.client_name and (fault := name_fault(members.client_name)):
        faults.add("client_name", fault)
    login = Login() if is_machine else _login(members, policy, faults)
    keys = keys_of(members, method, has_keys=policy.has_keys, faults=faults)
    for fault in (
        redirect_uri.backchannel_faults(members.jwks_uri, policy.issuer, policy.insecure) if members.jwks_uri else ()
    ):
        faults.add("jwks_uri", fault)
    for number, uri in enumerate(members.request_uris):
        for fault in redirect_uri.request_uri_faults(uri, policy.issuer, policy.insecure):
            faults.add("request_uris", f"[{number}] {fault}")
    if faults.of:
        raise faults.refusal()
    check_length(members)
    return ClientMetadata(
        redirect_uris=uris,
        display_name=members.client_name or None,
        scopes=tuple(each for each in scope if each not in IDENTITY) or _usual(policy, members),
        auth_method=method,
        login=login,
        security=Security(
            token_endpoint_auth_method=BY_KEY if method == BY_KEY else None,
            jwks_uri=None if method == NONE else members.jwks_uri or None,
            dpop_bound_access_tokens=members.dpop_bound_access_tokens is True,
            **({} if is_machine else _authorization_security(members)),
            device_grant=DEVICE in grants,
        ),
        keys=keys,
        about=_about(members, method, grants, scope, uris),
    )


def _authorization_security(members: Members) -> dict[str, Any]:
    """Return the security settings of authorization requests and responses (RFC 9126 section 6, RFC 9101 section 10.5, JARM section 3)."""
    return {
        "require_pushed_authorization_requests": members.require_pushed_authorization_requests is True,
        "require_signed_request_object": members.require_signed_request_object is True,
        "request_object_signing_alg": members.request_object_signing_alg or None,
        "authorization_signed_response_alg": members.authorization_signed_response_alg or USUAL_RESPONSE_ALG,
        "userinfo_signed_response_alg": members.userinfo_signed_response_alg or None,
        "request_uris": tuple(dict.fromkeys(members.request_uris)),
        "default_max_age": members.default_max_age,
        "require_auth_time": members.require_auth_time is True,
    }


def _grant_types(members: Members, policy: Policy, faults: Faults) -> tuple[str, ...]:
    """Those that this server offers. A client that users sign in through gets no tokens for itself."""
    asked = tuple(dict.fromkeys(members.grant_types)) or (CODE,)
    offered = tuple(each for each in asked if each in policy.grant_types)
    if CODE in offered or DEVICE in offered:
        return tuple(each for each in offered if each != MACHINE)
    if MACHINE in offered:
        return (MACHINE,)
    if MACHINE in asked:
        fault = "client_credentials needs an initial access token that allows it"
    else:
        fault = f"must have one of: {', '.join(each for each in policy.grant_types if each != REFRESH)}"
    faults.add("grant_types", fault)
    return (CODE,)


def _auth_method(members: Members, policy: Policy, grants: Collection[str], faults: Faults) -> str:
    """An app whose redirect URIs have a short scheme can keep no secret, so without a wish of its own it gets none."""
    method = members.token_endpoint_auth_method
    if not method:
        return NONE if any(map(redirect_uri.has_short_scheme, members.redirect_uris)) else BASIC
    if method not in policy.auth_methods:
        fault = f"must be one of: {', '.join(policy.auth_methods)}"
        faults.add("token_endpoint_auth_method", fault)
    elif method == NONE and MACHINE in grants:
        fault = "must not be none for client_credentials: such a client has to authenticate"
        faults.add("token_endpoint_auth_method", fault)
    return method


def _redirect_uris(members: Members, policy: Policy, method: str, faults: Faults) -> tuple[str, ...]:
    if not members.redirect_uris and "redirect_uris" not in faults.of:
        faults.add("redirect_uris", "is required for the grant type authorization_code")
    for number, uri in enumerate(members.redirect_uris):
        found = redirect_uri.faults(uri, policy.insecure)
        if not found and members.application_type == WEB and not _is_http(uri):
            found = ["must be https for application_type web; an app on a device is native"]
        elif not found and method != NONE and redirect_uri.has_short_scheme(uri):
            found = ["has a short scheme, which is for public clients: register with token_endpoint_auth_method none"]
        for fault in found:
            faults.add("redirect_uris", f"[{number}] {fault}")
    return tuple(dict.fromkeys(members.redirect_uris))


def _response_types(members: Members, faults: Faults, *, has_browser: bool) -> None:
    if has_browser and members.response_types and "code" not in members.response_types:
        faults.add("response_types", "must have code; nothing else is offered")


def _what_it_relies_on(given: Mapping[str, Any], members: Members, faults: Faults) -> None:
    for name in PROTECTING:
        if given.get(name) not in (None, ""):
            faults.add(name, "is not offered; leave it out")
    if members.subject_type not in (None, "public"):
        faults.add("subject_type", "must be public")
    if members.application_type not in (None, WEB, NATIVE):
        faults.add("application_type", "must be web or native")
    for name, algorithms in ALGORITHMS.items():
        if getattr(members, name) not in (None, "", *algorithms):
            faults.add(name, f"must be one of: {', '.join(algorithms)}")


def _pages(members: Members, faults: Faults) -> None:
    """They are shown to users and to operators, so no scheme but those of the web may be behind them."""
    for name in PAGES:
        uri = getattr(members, name)
        for fault in redirect_uri.page_faults(uri) if uri else ():
            faults.add(name, fault)
    if members.initiate_login_uri and not members.initiate_login_uri.lower().startswith("https://"):
        faults.add("initiate_login_uri", "must begin with https://")


def _scope(members: Members, policy: Policy, *, is_machine: bool) -> tuple[str, ...]:
    allowed = policy.scopes if is_machine else {*policy.scopes, *IDENTITY}
    return tuple(each for each in split(members.scope) if each in allowed and is_scope(each))


def _usual(policy: Policy, members: Members) -> tuple[str, ...]:
    """A client that asks for nothing that it may have gets what every new client gets; one that asks for users' data only gets that."""
    if set(split(members.scope)) & set(IDENTITY):
        return ()
    return tuple(each for each in NEW_CLIENT if each in policy.scopes)


def _login(members: Members, policy: Policy, faults: Faults) -> Login:
    for number, uri in enumerate(members.post_logout_redirect_uris):
        for fault in redirect_uri.faults(uri, policy.insecure):
            faults.add("post_logout_redirect_uris", f"[{number}] {fault}")
    told = members.backchannel_logout_uri or None
    if told and not policy.backchannel:
        faults.add("backchannel_logout_uri", "needs an initial access token: this server sends requests to it")
    for fault in redirect_uri.backchannel_faults(told, policy.issuer, policy.insecure) if told else ():
        faults.add("backchannel_logout_uri", fault)
    return Login(
        id_token_alg=members.id_token_signed_response_alg or USUAL_ID_TOKEN_ALG,
        post_logout_redirect_uris=tuple(dict.fromkeys(members.post_logout_redirect_uris)),
        backchannel_logout_uri=told,
    )


def _about(
    members: Members, method: str, grants: tuple[str, ...], scope: tuple[str, ...], uris: Collection[str]
) -> About:
    """Return it without `contacts`: they are addresses of people, and what is in the log stays there for ever."""
    on_device = any(not uri.lower().startswith("https:") for uri in uris)
    return About(
        token_endpoint_auth_method=method,
        application_type=members.application_type or (NATIVE if on_device else WEB),
        grant_types=grants,
        scope=scope,
        client_uri=members.client_uri or None,
        logo_uri=members.logo_uri or None,
        policy_uri=members.policy_uri or None,
        tos_uri=members.tos_uri or None,
        initiate_login_uri=members.initiate_login_uri or None,
        software_id=members.software_id or None,
        software_version=members.software_version or None,
    )


def _is_http(uri: str) -> bool:
    return uri.lower().startswith(("https:", "http:"))
