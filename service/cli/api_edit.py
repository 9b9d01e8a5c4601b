"""The settings of an API as options, and as fields of the API's requests."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer
from msgspec import UNSET, UnsetType

from events.api import Alg, ApiTerms
from events.database import Pool, read
from events.ids import client_stream
from projections import clients
from service.cli.fault import Plainly
from service.cli.request_fields import YesNo
from service.endpoints.fields import Fields

OPTIONS = {
    "identifier": "IDENTIFIER",
    "name": "--name",
    "scopes": "--scope",
    "accessTokenSignedResponseAlg": "--access-token-alg",
    "accessTokenLifetime": "--lifetime",
    "accessTokenClaims": "--claim",
    "introspectors": "--introspector",
}
USUAL = "default"

Name = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="What people call it.", show_default=False)]
ApiScopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help='A scope, or SCOPE=WORDS with English words for people: "crm:read=Read your contacts". May be repeated; the whole list.',
        show_default=False,
    ),
]
Words = Annotated[
    list[str] | None,
    typer.Option(
        "--words",
        metavar="TEXT",
        help='Words of a scope in another language: "de crm:read=Deine Kontakte lesen". May be repeated.',
        show_default=False,
    ),
]
TokenAlg = Annotated[
    Literal["ES256", "RS256", "EdDSA", "default"] | None,
    typer.Option(
        "--access-token-alg",
        metavar="ALG",
        help="What signs its tokens: ES256, RS256, EdDSA, default.",
        show_default=False,
    ),
]
Lifetime = Annotated[
    str | None,
    typer.Option(
        "--lifetime", metavar="SECONDS", help="How long its tokens live at most, or default.", show_default=False
    ),
]
Dpop = Annotated[
    YesNo, typer.Option("--dpop", metavar="WORD", help="Whether its tokens need DPoP: yes or no.", show_default=False)
]
Mtls = Annotated[
    YesNo,
    typer.Option(
        "--mtls", metavar="WORD", help="Whether its tokens need a client certificate: yes or no.", show_default=False
    ),
]
Claims = Annotated[
    list[str] | None,
    typer.Option(
        "--claim",
        metavar="NAME",
        help="A claim of the user in its tokens; may be repeated; the whole list.",
        show_default=False,
    ),
]
Introspectors = Annotated[
    list[str] | None,
    typer.Option(
        "--introspector",
        metavar="CLIENT_ID",
        help="Who may introspect its tokens; may be repeated; the whole list.",
        show_default=False,
    ),
]
AnyClient = Annotated[
    YesNo,
    typer.Option(
        "--any-client", metavar="WORD", help="Whether any client may ask a user for it: yes or no.", show_default=False
    ),
]
ALGS: Mapping[str, Alg | None] = {"ES256": "ES256", "RS256": "RS256", "EdDSA": "EdDSA", USUAL: None}


def alg_of(value: str | None) -> Alg | UnsetType | None:
    return UNSET if value is None else ALGS[value]


def lifetime_of(value: str | None) -> int | UnsetType | None:
    """Raises Plainly."""
    if value is None:
        return UNSET
    if value != USUAL and not (value.isascii() and value.isdigit()):
        raise Plainly(f"--lifetime must be a number of seconds, or {USUAL}")
    return None if value == USUAL else int(value)


def listed(values: list[str] | None) -> list[str] | UnsetType:
    return UNSET if values is None else [value for value in values if value]


def scopes_of(
    given: list[str] | None, words: list[str] | None, before: ApiTerms | None
) -> dict[str, dict[str, str]] | UnsetType:
    """Return the scopes after the command: those that are given, else those of before, each with its words. Raises Plainly."""
    if given is None and not words:
        return UNSET
    had = {} if before is None else {scope.name: dict(scope.words) for scope in before.scopes}
    pairs = [each.partition("=") for each in given or () if each]
    now = (
        had if given is None else {name: had.get(name, {}) | ({"en": said} if said else {}) for name, _, said in pairs}
    )
    for each in words or ():
        language, _, rest = each.partition(" ")
        name, equals, said = rest.partition("=")
        if not equals or name not in now:
            raise Plainly(
                f'--words must be a language, a scope of the API, = and words: "de crm:read=Deine Kontakte lesen", not "{each}"'
            )
        now[name] = {**now[name], language: said}
    return now


async def check_introspectors(connections: Pool, fields: Fields[Any]) -> None:
    """Report each that is no confidential client."""
    for number, client_id in enumerate(fields.good("introspectors") or ()):
        stream = client_stream(client_id)
        found = stream and await read(connections, lambda connection, one=stream: clients.find(connection, one))
        if not found or found.client.public:
            fields.fault("introspectors", f"[{number}] is no confidential client of this server")
