"""The `claims` parameter of an authorization request (OpenID Connect Core 1.0 section 5.5)."""

from typing import Any

from msgspec import Struct, convert, json

from service.oauth.errors import InvalidRequest
from service.values.claim_scopes import SUPPORTED
from service.values.malformed import MALFORMED


class Wanted(Struct, frozen=True, kw_only=True):
    """What the `claims` parameter requests beyond the scopes. `sub`, if set, is the only acceptable subject.

    `acrs`, if not empty, are the only acceptable ones (section 5.5.1.1).
    """

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    sub: str | None = None
    acrs: tuple[str, ...] = ()


class _Sub(Struct, frozen=True):
    value: str | None = None


class _Acr(Struct, frozen=True):
    essential: bool = False
    value: str | None = None
    values: tuple[str, ...] = ()


class _Claims(Struct, frozen=True):
    id_token: dict[str, dict[str, Any] | None] = {}
    userinfo: dict[str, dict[str, Any] | None] = {}


def wanted(text: str | None) -> Wanted:
    """Parse the `claims` parameter. Unsupported claims are left out, because claims are voluntary (section 5.5.1).

    Raises InvalidRequest.
    """
    if text is None:
        return Wanted()
    try:
        asked = json.decode(text, type=_Claims)
        subs = {convert(each.get("sub") or {}, _Sub).value for each in (asked.id_token, asked.userinfo)} - {None}
        acr = convert(asked.id_token.get("acr") or {}, _Acr)
    except MALFORMED as fault:
        raise InvalidRequest(
            "The parameter claims is not a JSON object as OpenID Connect Core section 5.5 has it."
        ) from fault
    if len(subs) > 1:
        raise InvalidRequest("The parameter claims names two different people.")
    acrs = (*((acr.value,) if acr.value else ()), *acr.values)
    return Wanted(
        id_token=tuple(name for name in asked.id_token if name in SUPPORTED and name != "sub"),
        userinfo=tuple(name for name in asked.userinfo if name in SUPPORTED and name != "sub"),
        sub=next(iter(subs), None),
        acrs=acrs if acr.essential else (),
    )
