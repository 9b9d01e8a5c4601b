"""The options of a client about its authorization requests."""

from collections.abc import Mapping
from typing import Annotated, Literal

import typer
from msgspec import UNSET, UnsetType

from events.client_security import AuthorizationResponseAlg, RequestObjectAlg
from service.cli.opening import Plainly
from service.cli.panels import SIGN_IN

RequirePar = Annotated[
    Literal["yes", "no"] | None,
    typer.Option(
        "--require-par",
        metavar="WORD",
        help="Whether its authorization requests must be pushed first (PAR): yes or no.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
RequireJar = Annotated[
    Literal["yes", "no"] | None,
    typer.Option(
        "--require-jar",
        metavar="WORD",
        help="Whether its authorization requests must be signed (JAR): yes or no.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
JarAlg = Annotated[
    Literal["ES256", "EdDSA", "PS256", "RS256", "any"] | None,
    typer.Option(
        "--jar-alg",
        metavar="NAME",
        help="The only algorithm of its signed requests: ES256, EdDSA, PS256, RS256 or any.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
JarmAlg = Annotated[
    AuthorizationResponseAlg | None,
    typer.Option(
        "--jarm-alg",
        metavar="NAME",
        help="The algorithm of its signed responses (JARM): RS256, ES256 or EdDSA.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
JAR_ALGS: Mapping[str, RequestObjectAlg | None] = {
    "any": None,
    "ES256": "ES256",
    "EdDSA": "EdDSA",
    "PS256": "PS256",
    "RS256": "RS256",
}
RequestUris = Annotated[
    list[str] | None,
    typer.Option(
        "--request-uri",
        metavar="URI",
        help="Where its signed request objects are; may be a list or be repeated, and is the whole list.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
DefaultMaxAge = Annotated[
    str | None,
    typer.Option(
        "--default-max-age",
        metavar="SECONDS",
        help="How long ago users may have signed in, where a request does not say; empty: as long as their session lasts.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]
RequireAuthTime = Annotated[
    Literal["yes", "no"] | None,
    typer.Option(
        "--require-auth-time",
        metavar="WORD",
        help="Whether its ID tokens have auth_time: yes or no. Those of every client have it.",
        show_default=False,
        rich_help_panel=SIGN_IN,
    ),
]


def seconds_of(text: str | None) -> int | UnsetType | None:
    """Raises Plainly. An empty text removes what there was."""
    if text is None:
        return UNSET
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Plainly("--default-max-age must be a whole number of seconds, of 9 digits at most, or empty")
    return int(text)


def at_creation(text: str | None) -> int | None:
    """Raises Plainly."""
    seconds = seconds_of(text)
    return None if seconds is UNSET else seconds
