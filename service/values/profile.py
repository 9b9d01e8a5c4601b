"""A user's profile: the standard claims of OpenID Connect Core 1.0 section 5.1, and the values that each of them may have."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, cast

from msgspec import Struct

from service.values.text import LINES, NAME, NAME_MUST, TEXT, name_fault, unseen

LONGEST_NAME = 200
LONGEST_URL = 2000
LONGEST_LINE = 500
MOST_GROUPS = 100
LONGEST_GROUP = 100


class Rule(Struct, frozen=True):
    """The rule for a text claim: its maximum number of characters, its pattern, and the sentence that describes the pattern."""

    longest: int
    pattern: str
    must: str


_NAME = Rule(LONGEST_NAME, NAME, NAME_MUST)
_URL = Rule(
    LONGEST_URL,
    r"^https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+$",
    "must be an absolute URL of http or https, in ASCII",
)
_DATE = r"^[0-9]{4}(-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))?$"
_LINE = Rule(LONGEST_LINE, TEXT, "must not have invisible characters")
_LINES = Rule(LONGEST_LINE, LINES, "must not have invisible characters, except line breaks")

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username"), _NAME),
    **dict.fromkeys(("profile", "picture", "website"), _URL),
    "gender": _NAME,
    "birthdate": Rule(10, _DATE, "must be a date such as 1815-12-10, with the year 0000 if it is not known, or a year"),
    "zoneinfo": Rule(
        64, r"^[A-Za-z][A-Za-z0-9_+/\-]*$", "must be a name of the time zone database, such as Europe/Berlin"
    ),
    "locale": Rule(35, r"^[A-Za-z]{2,8}([_\-][A-Za-z0-9]{1,8})*$", "must be a language tag (BCP 47), such as de-AT"),
    "phone_number": Rule(
        60,
        r"^\+[0-9][0-9 .()/\-]*[0-9](;ext=[0-9]{1,15})?$",
        "must be a number with its country, such as +49 30 901820 or +1 604 555 1234;ext=5678",
    ),
}
ADDRESS_RULES: Mapping[str, Rule] = {
    "formatted": _LINES,
    "street_address": _LINES,
    **dict.fromkeys(("locality", "region", "postal_code", "country"), _LINE),
}
GROUPS_MUST = f"must be at most {MOST_GROUPS} names of 1 to {LONGEST_GROUP} characters, each of which {NAME_MUST}"


class Address(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The address claim (section 5.1.1). The first two fields may have several lines."""

    formatted: str | None = None
    street_address: str | None = None
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None

    def __repr__(self) -> str:
        return "Address(…)"


class Profile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The claims by their own names, and `groups`. A user of the upstream provider may have no `email`. `updated_at` is in seconds since
    1970, and None until the profile changes. The repr hides everything.
    """

    email: str | None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    middle_name: str | None = None
    nickname: str | None = None
    preferred_username: str | None = None
    profile: str | None = None
    picture: str | None = None
    website: str | None = None
    gender: str | None = None
    birthdate: str | None = None
    zoneinfo: str | None = None
    locale: str | None = None
    phone_number: str | None = None
    phone_number_verified: bool = False
    address: Address | None = None
    groups: tuple[str, ...] = ()
    updated_at: int | None = None

    def __repr__(self) -> str:
        return "Profile(…)"


CLAIMS = (*RULES, "phone_number_verified", "address", "groups")
"""The claims, other than the e-mail address, that a profile may have and that may be changed."""


def faults(profile: Profile) -> dict[str, str]:
    """Return the faults by claim. Each fault completes a sentence that begins with the claim's name."""
    found = {name: fault_of(name, getattr(profile, name)) for name in CLAIMS}
    return {name: fault for name, fault in found.items() if fault}


def fault_of(name: str, value: Any) -> str | None:
    """Return the fault of this value of one of CLAIMS, or None if there is no value or no fault."""
    if value is None or isinstance(value, bool):
        return None
    match name:
        case "address":
            told = {part: _fault(rule, getattr(value, part)) for part, rule in ADDRESS_RULES.items()}
            return next((f"{part} {fault}" for part, fault in told.items() if fault), None)
        case "groups":
            return None if _are_groups(value) else GROUPS_MUST
        case _:
            return _fault(RULES[name], value)


def claims_of(profile: Profile, *, verified: bool, since: datetime) -> dict[str, Any]:
    """Return every known claim about the user, ready for JSON. `verified` is for the e-mail address; `since` is the registration time."""
    told: dict[str, Any] = {name: value for name, value in zip(RULES, _texts(profile), strict=True) if value}
    if profile.phone_number:
        told["phone_number_verified"] = profile.phone_number_verified
    if profile.address is not None:
        told["address"] = {part: text for part in ADDRESS_RULES if (text := getattr(profile.address, part))}
    if profile.groups:
        told["groups"] = list(profile.groups)
    told["updated_at"] = int(since.timestamp()) if profile.updated_at is None else profile.updated_at
    return told if profile.email is None else {**told, "email": profile.email, "email_verified": verified}


_texts = attrgetter(*RULES)


def changed(profile: Profile, changes: Mapping[str, Any]) -> Profile:
    """Return the profile with other values for some of CLAIMS.

    An empty text removes a value, a repeated group counts once, and a new phone number is not verified.
    """
    tidy: dict[str, Any] = {name: value if value != "" else None for name, value in changes.items()}
    if "groups" in tidy:
        tidy["groups"] = tuple(dict.fromkeys(cast("Sequence[str]", tidy["groups"] or ())))
    if tidy.get("phone_number", profile.phone_number) != profile.phone_number:
        tidy.setdefault("phone_number_verified", False)
    return profile.__replace__(**tidy)


def _are_groups(groups: Sequence[str]) -> bool:
    good = (0 < len(group) <= LONGEST_GROUP and name_fault(group) is None and unseen(group) is None for group in groups)
    return len(groups) <= MOST_GROUPS and all(good)


def _fault(rule: Rule, value: str | None) -> str | None:
    if not value:
        return None
    if len(value) > rule.longest:
        return f"must have at most {rule.longest} characters"
    seen = re.fullmatch(rule.pattern, value) and not any(unseen(line) for line in re.split(r"[\r\n]", value))
    return None if seen else rule.must
