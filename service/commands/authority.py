"""Who may do what to a client or a bot: nobody gives more than they hold, and only operators lift what operators did."""

from collections.abc import Set as AbstractSet

from msgspec import UNSET, Struct, UnsetType

from events.client import Active, By, ClientCredentials, Grant, Login
from service.refusals import Contradiction, NotPermitted
from service.values.scopes import IDENTITY, INTROSPECT, MANAGEMENT, OPERATE

RESERVED = "muniment"
"""Operators made at the command line belong to the service under this name: who acted under it would own all of them."""


class Holder(Struct, frozen=True, kw_only=True):
    """Whoever asks: whose clients they may touch (None: everybody's), as whom they act, and which scopes they hold."""

    owner: str | None
    sub: str
    scopes: frozenset[str]

    @property
    def operates(self) -> bool:
        return OPERATE in self.scopes

    def reaches(self, owner: str) -> bool:
        """Whether a thing of this owner may be known to them."""
        return self.owner is None or self.owner == owner


EVERYBODY = Holder(owner=None, sub="", scopes=frozenset())
"""The service itself, which touches everybody's things and gives nothing."""


def is_reserved(sub: str) -> bool:
    """Whether nobody may act under this name, in any spelling that a person could take for it."""
    return sub.strip().casefold() == RESERVED


def disabling(by: Holder, before: By | None) -> By | None:
    """As what this disables a thing that `before` disabled already, or None when that changes nothing."""
    asked: By = "operator" if by.operates else "owner"
    return None if before in (asked, "operator") else asked


def may_enable(by: Holder, disabled: By, noun: str) -> None:
    """Raises NotPermitted."""
    if disabled == "operator" and not by.operates:
        raise NotPermitted(f"An operator disabled this {noun}, so only an operator (scope operate) can enable it.")


def own_scopes(scopes: tuple[str, ...], grant: Grant) -> tuple[str, ...]:
    """The scopes that are the client's own: what is said of a person (openid, …) any interactive client may ask for.

    Raises Contradiction when a machine is to have those.
    """
    of_people = [scope for scope in scopes if scope in IDENTITY]
    if of_people and isinstance(grant, ClientCredentials):
        raise Contradiction(f"Nobody logs in through a machine, so it cannot have the scopes: {' '.join(of_people)}.")
    return tuple(scope for scope in scopes if scope not in IDENTITY)


def may_give(by: Holder, scopes: AbstractSet[str], grant: Grant) -> None:
    """An operator gives any scope of other APIs, and brings it into being by that. Raises NotPermitted."""
    missing = _lacking(by, scopes)
    if missing:
        raise NotPermitted(
            f"Nobody can give a scope that they do not hold themselves; your token lacks: {' '.join(sorted(missing))}."
        )
    if not by.operates and any(scope.startswith(INTROSPECT) for scope in scopes):
        raise NotPermitted(
            f"Only an operator gives the scopes {INTROSPECT}…, which let a client look into tokens of others."
        )
    # A token's `sub` is whom it acts as in this API, and the caller names it freely when it registers a client. So a client
    # that acts as somebody else gets scopes of this API only from an operator; else anyone could act as anyone.
    if not by.operates and grant.bot_user_id != by.sub and scopes & set(MANAGEMENT):
        raise NotPermitted(
            f"Scopes of this API go to clients that act as yourself ({by.sub}); to others only an operator gives them."
        )


def may_import(by: Holder) -> None:
    """Another server's client, under its id and with its secret, comes by operators alone: an id may be known to people. Raises NotPermitted."""
    if not by.operates:
        raise NotPermitted("Only an operator (scope operate) brings a client along with its clientId or its secret.")


def may_get_secret(by: Holder, client: Active) -> None:
    """Who gets a secret of a client can act with all its scopes, so this would be a way to more than one holds. Raises NotPermitted."""
    missing = _lacking(by, set(client.scopes))
    if missing:
        raise NotPermitted(
            f"This client may do what your token may not ({' '.join(sorted(missing))}); ask with a token that may."
        )


def may_widen(by: Holder, client: Active, after: Active) -> None:
    """A client that skips consent gets people's codes without asking them, so its owner cannot decide alone where these go.

    Raises NotPermitted.
    """
    if by.operates or not (client.login.first_party and after.login.first_party):
        return
    wider = [
        *_added("redirectUris", client.redirect_uris, after.redirect_uris),
        *_added("scopes", client.scopes, after.scopes),
        *_wider_login(client.login, after.login),
    ]
    if wider:
        raise NotPermitted(
            f"People are not asked for their consent to this client (firstParty), so this change of {', '.join(wider)} takes the"
            " scope operate. Ask an operator for it, or set firstParty to false in the same request."
        )


def _wider_login(login: Login, after: Login) -> list[str]:
    told = after.backchannel_logout_uri not in (None, login.backchannel_logout_uri)
    return [
        *(["requirePkce"] if _strictness(after.require_pkce) < _strictness(login.require_pkce) else []),
        *_added("postLogoutRedirectUris", login.post_logout_redirect_uris, after.post_logout_redirect_uris),
        *(["backchannelLogoutUri"] if told else []),
    ]


def _strictness(require_pkce: bool | UnsetType) -> int:
    """What the deployment requires, which is UNSET, may be either."""
    return 1 if require_pkce is UNSET else 2 * require_pkce


def _added(name: str, before: tuple[str, ...], after: tuple[str, ...]) -> list[str]:
    return [name] if set(after) - set(before) else []


def _lacking(by: Holder, scopes: AbstractSet[str]) -> AbstractSet[str]:
    missing = scopes - by.scopes
    return missing & set(MANAGEMENT) if by.operates else missing
