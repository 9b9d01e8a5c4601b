"""The options of a client about its authorization requests."""

from typing import Annotated, Literal

import typer
from msgspec import UNSET, UnsetType

from service.cli.opening import Plainly

RequestUris = Annotated[
    list[str] | None,
    typer.Option(
        "--request-uri",
        metavar="URI",
        help="Where its signed request objects are; may be a list or be repeated, and is the whole list.",
        show_default=False,
    ),
]
DefaultMaxAge = Annotated[
    str | None,
    typer.Option(
        "--default-max-age",
        metavar="SECONDS",
        help="How long ago users may have signed in, where a request does not say; empty: as long as their session lasts.",
        show_default=False,
    ),
]
RequireAuthTime = Annotated[
    Literal["yes", "no"] | None,
    typer.Option(
        "--require-auth-time",
        metavar="WORD",
        help="Whether its ID tokens have auth_time: yes or no. Those of every client have it.",
        show_default=False,
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
