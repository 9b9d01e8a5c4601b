"""muniment clients import: clients of another server, under the ids and with the secrets that they have there."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from msgspec import DecodeError, Raw, Struct, json

from events.database import Pool
from events.envelope import Meta
from service.cli.ledger import open_ledger
from service.cli.opening import Plainly, by_operator, open_database, run, url_of
from service.cli.output import Json, document, note, table
from service.cli.ownership import check_owner, holder
from service.cli.reason_option import Reason
from service.commands.authority import Holder
from service.commands.handle import CLIENT, Ledger, handle
from service.configuration.settings import Settings
from service.endpoints.client_schemas import CreateOAuthClientRequest
from service.endpoints.fields import Fields
from service.problems import Invalid
from service.refusals import Contradiction
from service.values.scopes import OPERATORS
from service.values.text import printable

File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="A JSON array of registrations; - reads them from stdin.", show_default=False),
]
Owner = Annotated[
    str, typer.Option(help="Whose they are from then on: the `sub` of who manages them.", show_default=False)
]


class Imported(Struct, frozen=True, kw_only=True):
    """`client_secret` is set when a new one was created; it cannot be read later."""

    client_id: str
    client_secret: str | None
    state: str


def import_clients(file: File, owner: Owner, reason: Reason = None, as_json: Json = False) -> None:
    """Register clients of another server, under the ids and with the secrets that they have there.

    Each registration is the body of POST /api/v1/auth/clients: clientId, and clientSecret or clientSecretHash, beside the usual
    fields. All are checked before the first is registered; those that exist already are left as they are.

    Example: `muniment clients import keycloak.json --owner crm-team`
    """
    check_owner(owner, "clients")
    bodies, meta = _bodies(file), by_operator(reason)
    with open_database() as settings:
        imported = run(_imported(settings, bodies, owner, meta))
    if as_json:
        document(imported)
    else:
        table(
            ("client_id", "state", "new secret"),
            ((one.client_id, one.state, one.client_secret or "") for one in imported),
        )
        if any(one.client_secret for one in imported):
            note("the new secrets are shown this once, and kept nowhere")


def _bodies(file: Path) -> list[bytes]:
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return [bytes(one) for one in json.decode(text, type=list[Raw])]
    except OSError as fault:
        raise Plainly(f"{file}: {fault.strerror}") from fault
    except (DecodeError, RecursionError) as fault:
        raise Plainly(f"{file} is not a JSON array of registrations") from fault


async def _imported(settings: Settings, bodies: list[bytes], owner: str, meta: Meta) -> list[Imported]:
    async with open_ledger(url_of(settings)) as ledger:
        asked = await _checked(ledger.pool, settings, bodies, owner)
        return [await _registered(ledger, one, owner, meta) for one in asked]


async def _checked(
    connections: Pool, settings: Settings, bodies: list[bytes], owner: str
) -> list[CreateOAuthClientRequest]:
    from service.endpoints import registration  # noqa: PLC0415 - it imports Authlib
    from service.endpoints.bot_user import check_bot  # noqa: PLC0415

    asked: list[CreateOAuthClientRequest] = []
    faults: list[str] = []
    for number, body in enumerate(bodies, start=1):
        try:
            fields = Fields(CreateOAuthClientRequest, "application/json", body)
            if (bot := fields.good("botUserId")) is not None:
                await check_bot(connections, holder(owner), bot, fields)
            registration.check(fields, settings)
            asked.append(fields.done())
        except Invalid as fault:
            said = fault.errors if isinstance(fault.errors, dict) else {"registration": [fault.detail]}
            faults += [f"no. {number}: {name} {message}" for name, messages in said.items() for message in messages]
    if faults:
        raise Plainly("\n          ".join(map(printable, faults)))
    return asked


async def _registered(ledger: Ledger, asked: CreateOAuthClientRequest, owner: str, meta: Meta) -> Imported:
    from service.endpoints import registration  # noqa: PLC0415 - it imports Authlib

    new = registration.prepared(asked, owner=owner, by=Holder(owner=None, sub=owner, scopes=frozenset(OPERATORS)))
    try:
        await handle(ledger, CLIENT, new.stream, new.command, meta, fresh=asked.client_id is None)
    except Contradiction:
        if asked.client_id is None:
            raise
        return Imported(client_id=new.client_id, client_secret=None, state="was there already")
    return Imported(client_id=new.client_id, client_secret=new.secret and new.secret.reveal(), state="registered")
