"""Permissions on clients and bots: callers grant only scopes that they hold, and only operators undo what operators did."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from msgspec import UNSET, Struct, UnsetType

from events.client import Active, By, ClientCredentials, Grant, Login
from events.client_apis import Granted, pairs
from events.client_security import Security
from events.user import Role
from service.refusals import Contradiction, NotPermitted
from service.values.camel import camel
from service.values.roles import SCOPES_OF
from service.values.scopes import IDENTITY, INTROSPECT, MANAGEMENT, OPERATE

RESERVED = "muniment"
"""The owner of the operators that are made at the command line. A caller with this name would own all of them."""


class Holder(Struct, frozen=True, kw_only=True):
    """The caller: the owner whose clients it may manage (None: all), the subject that it acts as, and its scopes.

    `apis` are those that its token is for, beside the management API, each with the scopes that the token has there.
    """

    owner: str | None
    sub: str
    scopes: frozenset[str]
    apis: frozenset[Granted] = frozenset()

    @property
    def operates(self) -> bool:
        return OPERATE in self.scopes

    def reaches(self, owner: str) -> bool:
        """Returns whether the caller may know of clients and bots of this owner."""
        return self.owner is None or self.owner == owner


EVERYBODY = Holder(owner=None, sub="", scopes=frozenset())
"""The service itself, which may manage every client and bot, but holds no scopes to grant."""


SELF_REGISTERED = "muniment-dynamic"
"""The owner of the clients that registered themselves without an initial access token: only operators manage them."""

DOCUMENTS = "muniment-documents"
"""The owner of the clients whose client_id is the URL of a metadata document: only operators manage them."""


def is_reserved(sub: str) -> bool:
    """Returns whether no caller may act under this name, including spellings that look like a reserved one."""
    return sub.strip().casefold() in (RESERVED, SELF_REGISTERED, DOCUMENTS)


def disabling(by: Holder, before: By | None) -> By | None:
    """Returns who disables it, owner or operator, after `before` did; None if the command changes nothing."""
    asked: By = "operator" if by.operates else "owner"
    return None if before in (asked, "operator") else asked


def may_enable(by: Holder, disabled: By, noun: str) -> None:
    """Raises NotPermitted if the caller is no operator and an operator disabled it."""
    if disabled == "operator" and not by.operates:
        raise NotPermitted(f"An operator disabled this {noun}, so only an operator (scope operate) can enable it.")


def own_scopes(scopes: tuple[str, ...], grant: Grant) -> tuple[str, ...]:
    """Returns the scopes without those about a user (openid, …), which every interactive client may request.

    Raises Contradiction if a machine client should have those.
    """
    of_people = [scope for scope in scopes if scope in IDENTITY]
    if not of_people:
        return scopes
    if isinstance(grant, ClientCredentials):
        raise Contradiction(
            f"Users do not sign in through a machine client, so it cannot have the scopes: {' '.join(of_people)}."
        )
    return tuple(scope for scope in scopes if scope not in IDENTITY)


def may_give(by: Holder, scopes: AbstractSet[str], grant: Grant) -> None:
    """Raises NotPermitted if the caller may not grant these scopes. An operator may grant any scope of other APIs, also a new one."""
    missing = _lacking(by, scopes)
    if missing:
        raise NotPermitted(
            f"You can grant only scopes that you hold yourself; your token lacks: {' '.join(sorted(missing))}."
        )
    if by.operates:
        return
    if any(scope.startswith(INTROSPECT) for scope in scopes):
        raise NotPermitted(
            f"Only an operator can grant the scopes {INTROSPECT}…, which let a client introspect tokens of other clients."
        )
    # A token acts in this API as its `sub`, which the caller chooses when it registers a client. So only an operator may grant
    # scopes of this API to a client that acts as another subject; otherwise every caller could act as any other.
    if grant.bot_user_id != by.sub and not scopes.isdisjoint(MANAGEMENT):
        raise NotPermitted(
            f"You can grant scopes of this API only to clients that act as yourself ({by.sub}); for others, ask an operator."
        )


def may_give_role(by: Holder, role: Role) -> None:
    """Raises NotPermitted if the role has a scope that the caller may not grant: nobody gives more power than they have."""
    missing = _lacking(by, set(SCOPES_OF[role]))
    if missing:
        raise NotPermitted(
            f"You can give only a role whose scopes you hold yourself; for {role}, your token lacks:"
            f" {' '.join(sorted(missing))}."
        )


def may_change_user(by: Holder, roles: Iterable[Role]) -> None:
    """Raises NotPermitted if the user has a role with a scope that the caller may not grant: nobody stops or renames who has more power."""
    for role in roles:
        missing = _lacking(by, set(SCOPES_OF[role]))
        if missing:
            raise NotPermitted(
                f"This user has the role {role}, whose scopes your token lacks: {' '.join(sorted(missing))}."
                " Use a token that has them."
            )


def may_import(by: Holder) -> None:
    """Only an operator may import a client with its id and secret, because users may trust a known id. Raises NotPermitted."""
    if not by.operates:
        raise NotPermitted("Only an operator (scope operate) can import a client with its clientId or its secret.")


def may_get_secret(by: Holder, client: Active) -> None:
    """Raises NotPermitted if the caller lacks a scope of the client: with its secret, the caller would have that scope."""
    missing = _lacking(by, set(client.scopes))
    if missing:
        raise NotPermitted(
            f"This client has scopes that your token lacks ({' '.join(sorted(missing))}); use a token that has them."
        )


DEMANDS = (
    "security_profile",
    "tls_client_certificate_bound_access_tokens",
    "dpop_bound_access_tokens",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "request_object_signing_alg",
)


def may_widen(by: Holder, client: Active, after: Active) -> None:
    """Raises NotPermitted if an owner widens a first-party client.

    Such a client gets codes without the users' consent, so its owner alone must not decide where codes are sent.
    """
    if by.operates or not (client.login.first_party and after.login.first_party):
        return
    wider = [
        *_added("redirectUris", client.redirect_uris, after.redirect_uris),
        *_added("scopes", client.scopes, after.scopes),
        *_wider_apis(client, after),
        *_wider_login(client.login, after.login),
        *_wider_security(client.security, after.security),
    ]
    if wider:
        raise NotPermitted(
            f"Users are not asked for their consent to this client (firstParty), so this change of {', '.join(wider)} takes the"
            " scope operate. Ask an operator for it, or set firstParty to false in the same request."
        )


def _wider_apis(client: Active, after: Active) -> list[str]:
    wider = client.apis is not None and (after.apis is None or pairs(after.apis) - pairs(client.apis))
    return ["apis"] if wider else []


def _wider_login(login: Login, after: Login) -> list[str]:
    told = after.backchannel_logout_uri not in (None, login.backchannel_logout_uri)
    return [
        *(["requirePkce"] if _strictness(after.require_pkce) < _strictness(login.require_pkce) else []),
        *_added("postLogoutRedirectUris", login.post_logout_redirect_uris, after.post_logout_redirect_uris),
        *(["backchannelLogoutUri"] if told else []),
    ]


def _wider_security(security: Security, after: Security) -> list[str]:
    """Returns what demands less than before, and the device grant if it is new."""
    less = [name for name in DEMANDS if getattr(security, name) and getattr(after, name) != getattr(security, name)]
    names = [*less, *(["device_grant"] if after.device_grant and not security.device_grant else [])]
    return [camel(name) for name in names]


def _strictness(require_pkce: bool | UnsetType) -> int:
    """Returns an order of strictness. UNSET (the deployment's rule) is between False and True, because it may be either."""
    return 1 if require_pkce is UNSET else 2 * require_pkce


def _added(name: str, before: tuple[str, ...], after: tuple[str, ...]) -> list[str]:
    return [name] if set(after) - set(before) else []


def _lacking(by: Holder, scopes: AbstractSet[str]) -> AbstractSet[str]:
    return {scope for scope in scopes if scope not in by.scopes and (scope in MANAGEMENT or not by.operates)}
