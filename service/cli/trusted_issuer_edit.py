"""muniment trusted-issuers edit: what PATCH /api/v1/auth/trusted-issuers/{id} changes, by its rules."""

from typing import Annotated, Any, Literal

import typer

from events.database import read
from projections import trusted_issuers
from projections.trusted_issuers import Row
from service.cli.json_file import read_json
from service.cli.ledger import say_state, with_ledger
from service.cli.opening import Plainly, by_operator
from service.cli.output import Json
from service.cli.reason_option import Reason
from service.cli.request_fields import done, fields_from
from service.commands.handle import TRUSTED_ISSUER, Handled, Ledger, handle
from service.configuration.settings import Settings

OPTIONS = {
    "issuer": "ISSUER",
    "name": "--name",
    "purposes": "--purpose",
    "jwksUri": "--jwks-uri",
    "jwks": "--jwks",
    "algorithms": "--alg",
    "audiences": "--audience",
    "provisions": "--provisions",
}

Issuer = Annotated[
    str, typer.Argument(metavar="ISSUER", help="Its identifier: a URL, or spiffe://DOMAIN.", show_default=False)
]
Many = list[str] | None
KeysFile = Annotated[
    str | None,
    typer.Option(
        "--jwks", metavar="FILE", help="A file with its keys (RFC 7517); - is the standard input.", show_default=False
    ),
]


def edit(
    issuer: Issuer,
    *,
    purpose: Annotated[
        Many, typer.Option("--purpose", metavar="PURPOSE", help="The whole list; repeatable.", show_default=False)
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", show_default=False)] = None,
    jwks_uri: Annotated[str | None, typer.Option("--jwks-uri", metavar="URL", show_default=False)] = None,
    jwks: KeysFile = None,
    alg: Annotated[
        Many, typer.Option("--alg", metavar="ALG", help="The whole list; repeatable.", show_default=False)
    ] = None,
    audience: Annotated[
        Many, typer.Option("--audience", metavar="TEXT", help="The whole list; repeatable.", show_default=False)
    ] = None,
    provisions: Annotated[
        Literal["yes", "no"] | None,
        typer.Option(
            "--provisions",
            metavar="WORD",
            help="Whether users of its assertions who are unknown here are registered: yes or no.",
            show_default=False,
        ),
    ] = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Change what is accepted of a trusted issuer. Only what is named changes; an empty --jwks-uri means that its metadata says where its keys are.

    Example: `muniment trusted-issuers edit https://idp.example.com --purpose id_jag --provisions no`
    """
    from service.endpoints import trusted_issuer_schemas  # noqa: PLC0415 - its libraries take ten megabytes

    given: dict[str, Any] = {
        "name": name,
        "purposes": purpose,
        "jwksUri": jwks_uri,
        "jwks": None if jwks is None else read_json(jwks),
        "algorithms": alg,
        "audiences": None if audience is None else [each for each in audience if each],
        "provisions": None if provisions is None else provisions == "yes",
    }
    asked = {field: value for field, value in given.items() if value is not None}
    if not asked:
        raise Plainly("say what to change; --help has the options")
    if not asked.get("jwksUri", True):
        asked["jwksUri"] = None
    meta = by_operator(reason)

    async def edited(ledger: Ledger, settings: Settings) -> Handled:
        fields = fields_from(trusted_issuer_schemas.ChangeTrustedIssuerRequest, asked)
        trusted_issuer_schemas.check_changed(fields, settings.insecure_http_hosts)
        command = trusted_issuer_schemas.change_of(done(fields, OPTIONS))
        return await handle(ledger, TRUSTED_ISSUER, (await row_of(ledger, issuer)).stream_id, command, meta)

    say_state(issuer, "changed", with_ledger(edited), field="issuer", as_json=as_json)


async def row_of(ledger: Ledger, issuer: str) -> Row:
    """Raises Plainly."""
    row = await read(ledger.pool, lambda connection: trusted_issuers.named(connection, issuer))
    if row is None:
        raise Plainly(f"There is no trusted issuer {issuer}; muniment trusted-issuers list has those that there are.")
    return row
