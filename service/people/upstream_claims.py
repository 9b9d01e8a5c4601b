"""The upstream provider's claims about a user, read as our claims. A value that cannot be used is left out and stops no sign-in."""

from collections.abc import Mapping
from typing import Any, cast

from msgspec import Struct, convert

from service.values import profile as profiles
from service.values.email_address import is_email
from service.values.malformed import MALFORMED
from service.values.profile import Address

NOTHING = (None, "", Address())


class Told(Struct, frozen=True, kw_only=True):
    """`email` is an address that the provider has verified. `changes` are values of profile.CLAIMS. `faults` names the claims with a
    value that was left out.
    """

    email: str | None
    changes: Mapping[str, Any]
    faults: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Told(…)"


def told(claims: Mapping[str, Any], names: Mapping[str, str]) -> Told:
    """`names` maps each of our claims to the provider's. An absent claim changes nothing, except that absent groups mean no groups."""
    changes: dict[str, Any] = {}
    faults: list[str] = []
    for ours in profiles.CLAIMS:
        if ours in names:
            value, is_whole = _value(ours, claims.get(names[ours]))
            if not is_whole:
                faults.append(names[ours])
            if value not in NOTHING:
                changes[ours] = value
    if "phone_number" not in changes:  # the flag is about the number that comes with it
        changes.pop("phone_number_verified", None)
    return Told(email=_email(claims, names), changes=changes, faults=tuple(faults))


def _email(claims: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    """An address that the provider did not verify is not used: it may be another person's (OpenID Connect Core section 5.7)."""
    address, verified = claims.get(names["email"]), claims.get(names["email_verified"])
    return address if isinstance(address, str) and is_email(address) and _is_true(verified) else None


def _value(ours: str, given: Any) -> tuple[Any, bool]:
    """Return the usable part of the value, and whether that is all of it."""
    if ours == "groups":
        return _groups(given)
    value = _read(ours, given)
    return (value, True) if value is not None and profiles.fault_of(ours, value) is None else (None, given is None)


def _read(ours: str, given: Any) -> Any:
    """Return None if the value has another type."""
    match ours:
        case "address":
            return _address(given)
        case "phone_number_verified":
            return _is_true(given) if isinstance(given, bool) or given in ("true", "false") else None
        case _:
            return given.strip() if isinstance(given, str) else None


def _address(given: Any) -> Address | None:
    try:
        return convert(given, Address)
    except MALFORMED:
        return None


def _groups(given: Any) -> tuple[tuple[str, ...], bool]:
    """If there are too many groups, none is used, because it is unclear which of them count."""
    if given is None:
        return (), True
    listed = cast("list[object]", given) if isinstance(given, list) else [given]
    good = [each for each in listed if isinstance(each, str) and _is_group(each)]
    groups = tuple(dict.fromkeys(good))
    return ((), False) if profiles.fault_of("groups", groups) else (groups, len(good) == len(listed))


def _is_group(name: str) -> bool:
    return profiles.fault_of("groups", (name,)) is None


def _is_true(given: Any) -> bool:
    return given in (True, "true")
