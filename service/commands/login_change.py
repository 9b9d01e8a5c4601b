"""A change of the settings with which users sign in through a client."""

from typing import Literal, TypeVar

from msgspec import UNSET, Struct, UnsetType

from events.client import Login

IdTokenClaims = Literal["scopes", "minimal"]
Value = TypeVar("Value")
Before = TypeVar("Before")


class LoginChange(Struct, frozen=True, kw_only=True):
    """UNSET fields do not change. The defaults (`require_pkce` None, `id_token_claims` "scopes") are stored as UNSET."""

    require_pkce: bool | UnsetType | None = UNSET
    first_party: bool | UnsetType = UNSET
    id_token_alg: str | UnsetType = UNSET
    post_logout_redirect_uris: tuple[str, ...] | UnsetType = UNSET
    backchannel_logout_uri: str | UnsetType | None = UNSET
    id_token_claims: IdTokenClaims | UnsetType = UNSET

    def after(self, login: Login) -> Login:
        pkce = _said(self.require_pkce, login.require_pkce)
        claims = login.id_token_claims if self.id_token_claims is UNSET else self.id_token_claims
        return login.__replace__(
            require_pkce=UNSET if pkce is None else pkce,
            first_party=_said(self.first_party, login.first_party),
            id_token_alg=_said(self.id_token_alg, login.id_token_alg),
            post_logout_redirect_uris=_said(self.post_logout_redirect_uris, login.post_logout_redirect_uris),
            backchannel_logout_uri=_said(self.backchannel_logout_uri, login.backchannel_logout_uri),
            id_token_claims=UNSET if claims == "scopes" else claims,
        )


def login_of(login: Login) -> LoginChange:
    """Returns the change that leads to these settings, whatever they were before."""
    return LoginChange(
        require_pkce=None if login.require_pkce is UNSET else login.require_pkce,
        first_party=login.first_party,
        id_token_alg=login.id_token_alg,
        post_logout_redirect_uris=login.post_logout_redirect_uris,
        backchannel_logout_uri=login.backchannel_logout_uri,
        id_token_claims="scopes" if login.id_token_claims is UNSET else login.id_token_claims,
    )


def _said(value: Value | UnsetType, before: Before) -> Value | Before:
    return before if value is UNSET else value
