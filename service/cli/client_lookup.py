"""A client by its client_id, and a command on it, with refusals that name the client."""

from typing import Annotated
from uuid import UUID

import typer

from events.database import read
from events.envelope import Meta
from events.ids import client_stream
from projections.clients import Row, find
from service.cli.fault import Plainly
from service.cli.ledger import changed, only_at
from service.commands.client import ClientCommand
from service.commands.handle import CLIENT, Handled, Ledger, handle
from service.refusals import DoesNotExist, VersionMismatch

ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="oauth_client_…", show_default=False)]


def stream_of(client_id: str) -> UUID:
    """Raises Plainly."""
    stream = client_stream(client_id)
    if stream is None:
        raise Plainly(
            f"{client_id} is not a client_id: those are oauth_client_ and 32 hexadecimal digits, the URL of a document, or what was imported."
        )
    return stream


async def row_of(ledger: Ledger, client_id: str) -> Row:
    """Raises Plainly."""
    stream = stream_of(client_id)
    found = await read(ledger.pool, lambda connection: find(connection, stream))
    if found is None:
        raise _no_client(client_id)
    return found.client


async def carry_out(
    ledger: Ledger, client_id: str, command: ClientCommand, meta: Meta, at_version: int | None
) -> Handled:
    """Raises Plainly, and what `decide` raises. Each command is decided again if somebody else changes the client meanwhile."""
    try:
        return await handle(ledger, CLIENT, stream_of(client_id), command, meta, only_at=only_at(at_version))
    except VersionMismatch as fault:
        raise changed(client_id, "clients", fault) from fault
    except DoesNotExist:
        await row_of(ledger, client_id)
        raise  # it is the secret that does not exist


def _no_client(client_id: str) -> Plainly:
    return Plainly(
        f"There is no client {client_id}. muniment clients list has those that there are, and muniment clients restore brings "
        "back a deleted one."
    )
