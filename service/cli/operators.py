"""muniment operator: the first caller of the API on a database of one's own, and any further one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from events.envelope import Meta
from service import operators
from service.cli.client_options import scopes_of
from service.cli.first_steps import first_audit, first_token
from service.cli.ledger import open_ledger
from service.cli.opening import Plainly, by_operator, open_database, run, url_of
from service.cli.output import Json, say
from service.cli.reason_option import Reason
from service.configuration.settings import Settings
from service.values import identifiers
from service.values.scopes import AUDITORS, OPERATORS, is_scope

if TYPE_CHECKING:
    from service.operators import Operator

LONGEST_NAME = 450
CREATED = "\n  The {role} {name} is there. Its credentials are shown this once, and kept nowhere.\n"

app = typer.Typer()

Name = Annotated[str, typer.Argument(help="Whom its tokens act as (their `sub`).", show_default=False)]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help=f"What it may do; may be a list or be repeated. Without it: {', '.join(OPERATORS)}.",
        show_default=False,
    ),
]
Auditor = Annotated[
    bool, typer.Option("--auditor", help=f"It reads everything and changes nothing: {', '.join(AUDITORS)}.")
]


@app.command()
def create(
    name: Name, scope: Scopes = None, *, auditor: Auditor = False, reason: Reason = None, as_json: Json = False
) -> None:
    """Register a client that may manage everybody's clients, and print its credentials, once.

    It is what the first run does by itself on the embedded database. MUNIMENT_ISSUER should be set as for the service, for
    the answer names the token endpoint. Needs no master key. With --auditor, the client reads everything and changes nothing.

    Example: `muniment operator create alice --scope clients:read --scope operate --json > alice.json`
    """
    if auditor and scope:
        raise Plainly("--auditor and --scope contradict each other: --auditor chooses the scopes.")
    scopes, meta = _checked(name, AUDITORS if auditor else scopes_of(scope or ())), by_operator(reason)
    with open_database(creates=True) as settings:
        operator = run(_create(settings, name, scopes, meta))
    steps = first_audit if auditor else first_token
    if as_json:
        say(operator.as_json().decode())
    else:
        say(CREATED.format(role="auditor" if auditor else "operator", name=name) + steps(operator))


def _checked(name: str, scopes: Sequence[str]) -> tuple[str, ...]:
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise Plainly(f"An operator's name is 1 to {LONGEST_NAME} printable characters.")
    fault = identifiers.fault_of(name)
    if fault is not None:
        raise Plainly(f"An operator's name {fault}.")
    for scope in scopes:
        if not is_scope(scope):
            raise Plainly(f"{scope!r} is not a scope: visible ASCII without quotation marks, backslashes and spaces.")
    return tuple(scopes) or OPERATORS


async def _create(settings: Settings, name: str, scopes: tuple[str, ...], meta: Meta) -> "Operator":
    async with open_ledger(url_of(settings)) as ledger:
        return await operators.create(ledger, name, settings.issuer, meta, scopes=scopes)
