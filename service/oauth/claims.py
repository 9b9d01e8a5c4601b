"""Which claims about a person go where (OpenID Connect Core 1.0 sections 5.1, 5.4, 5.5)."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, ValidationError, json

from service.oauth.errors import InvalidRequest
from service.scopes import EMAIL, PROFILE

BY_SCOPE = {PROFILE: ("name", "given_name", "family_name"), EMAIL: ("email", "email_verified")}
SUPPORTED = ("sub", *BY_SCOPE[PROFILE], *BY_SCOPE[EMAIL])


class Wanted(Struct, frozen=True, kw_only=True):
    """What the `claims` parameter asks for beyond the scopes; `sub` is the one person that it may be about."""

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    sub: str | None = None


class _Claims(Struct, frozen=True):
    id_token: dict[str, dict[str, Any] | None] = {}
    userinfo: dict[str, dict[str, Any] | None] = {}


def wanted(text: str | None) -> Wanted:
    """Claims that we have not are left out, as they are voluntary (section 5.5.1). Raises InvalidRequest."""
    if text is None:
        return Wanted()
    try:
        asked = json.decode(text, type=_Claims)
    except (ValidationError, ValueError) as fault:
        raise InvalidRequest(
            "The parameter claims is not a JSON object as OpenID Connect Core section 5.5 has it."
        ) from fault
    sub = (asked.id_token.get("sub") or {}).get("value")
    return Wanted(
        id_token=tuple(name for name in asked.id_token if name in SUPPORTED and name != "sub"),
        userinfo=tuple(name for name in asked.userinfo if name in SUPPORTED and name != "sub"),
        sub=sub if isinstance(sub, str) else None,
    )


def of_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for scope in scopes for name in BY_SCOPE.get(scope, ()))
