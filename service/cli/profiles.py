"""What the commands about people take of a profile: an option for each of the usual claims, and one for all the others."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.opening import Plainly
from service.values.profile import ADDRESS_RULES, RULES, Address

if TYPE_CHECKING:
    from service.values.profile import Profile

Name = Annotated[str | None, typer.Option(help="What they are called, such as “Ada King”.")]
GivenName = Annotated[str | None, typer.Option(help="Their given name, or names.")]
FamilyName = Annotated[str | None, typer.Option(help="Their family name, or names.")]
Groups = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="GROUP", help="A group that they are in; may be repeated.", show_default=False),
]
Claims = Annotated[
    list[str] | None,
    typer.Option(
        "--claim",
        metavar="CLAIM=VALUE",
        help="Another claim of OpenID Connect Core section 5.1, such as locale=de-AT or address.locality=Wien; "
        "may be repeated. With no value it is removed.",
        show_default=False,
    ),
]


def changes(
    *,
    name: str | None,
    given_name: str | None,
    family_name: str | None,
    groups: list[str] | None,
    claims: list[str] | None,
) -> dict[str, Any]:
    """The claims that the options give, by name; those of the address as `address.…`. Raises Plainly."""
    named = {"name": name, "given_name": given_name, "family_name": family_name}
    found: dict[str, Any] = {claim: value for claim, value in named.items() if value is not None}
    found |= dict(_claim(text) for text in claims or ())
    return found if groups is None else {**found, "groups": groups}


def with_address(profile: "Profile", changes: dict[str, Any]) -> dict[str, Any]:
    """The same with the whole address, which is changed as one, as it is when these parts of it are changed."""
    parts = {name.partition(".")[2]: value or None for name, value in changes.items() if name.startswith("address.")}
    if not parts:
        return changes
    address = (profile.address or Address()).__replace__(**parts)
    rest = {name: value for name, value in changes.items() if not name.startswith("address.")}
    return {**rest, "address": None if address == Address() else address}


def _claim(text: str) -> tuple[str, Any]:
    claim, equals, value = text.partition("=")
    known = (*RULES, "phone_number_verified", *(f"address.{part}" for part in ADDRESS_RULES))
    if not equals or claim not in known:
        raise Plainly(f"--claim {text}: say CLAIM=VALUE, where CLAIM is one of: {', '.join(known)}.")
    if claim != "phone_number_verified":
        return claim, value
    if value not in ("true", "false"):
        raise Plainly("--claim phone_number_verified is true or false.")
    return claim, value == "true"
