"""The console's own client, `muniment-console`: registered by an event when somebody first signs in to the console.

Its secret is derived from the master key, so every process knows it and nobody has to.
"""

from contextlib import suppress
from hmac import compare_digest

from events.client import AuthorizationCode, Login
from events.database import read
from events.envelope import ByService
from events.ids import client_stream
from projections import clients
from projections.clients import Row
from service.clock import utc_now
from service.commands.authority import RESERVED, Holder
from service.commands.client import AddSecret, ClientCommand, RegisterClient, RevokeSecret
from service.commands.client_terms import ChangeClient
from service.commands.handle import CLIENT, handle
from service.console.place import CALLBACK
from service.crypto.base64url import as_text
from service.crypto.credentials import Secret, hash_secret, stored
from service.crypto.sealing import derived
from service.pages.browser import master_key
from service.refusals import Contradiction, DomainRefusal
from service.request_id import envelope
from service.resources import Resources
from service.values.scopes import OPERATORS

CLIENT_ID = "muniment-console"
STREAM = client_stream(CLIENT_ID)
SERVICE = Holder(owner=None, sub=RESERVED, scopes=frozenset(OPERATORS))
WHY = "the console was opened"


class NotOurs(Exception):
    """The console's client was deleted or disabled, or a client of this id was imported before. `detail` says what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def redirect_uri(resources: Resources) -> str:
    return f"{resources.settings.issuer}{CALLBACK}"


def secret(resources: Resources) -> Secret:
    return Secret(f"secret_{as_text(derived(master_key(resources), 'muniment console client'))}")


async def prepare(resources: Resources) -> None:
    """Register the client, or bring its redirect URI and its secret up to date. Raises NotOurs, Unavailable."""
    row = await _row(resources)
    if row is None:
        with suppress(Contradiction):  # another process was faster, or the client was deleted
            await _carry_out(resources, _registered(resources))
        row = await _row(resources)
    if row is None:
        raise NotOurs(f"Its client was deleted. Restore it: muniment clients restore {CLIENT_ID}")
    if row.owner != RESERVED:
        raise NotOurs(f"A client named {CLIENT_ID} was imported before. Delete it; the console needs this name.")
    if row.state != "active":
        raise NotOurs(f"Its client, {CLIENT_ID}, is disabled. An operator can enable it again.")
    await _bring_up_to_date(resources, row)


async def _bring_up_to_date(resources: Resources, row: Row) -> None:
    """The issuer's address may have changed, and so may the master key."""
    ours, now = secret(resources), utc_now()
    if redirect_uri(resources) not in row.redirect_uris:
        await _carry_out(resources, ChangeClient(by=SERVICE, redirect_uris=(redirect_uri(resources),)))
    if not any(compare_digest(each.hash, hash_secret(ours.reveal())) for each in row.secrets):
        for each in row.secrets:
            with suppress(DomainRefusal):
                await _carry_out(resources, RevokeSecret(by=SERVICE, secret_id=each.secret_id))
        await _carry_out(resources, AddSecret(by=SERVICE, secret=stored(ours, name="console", at=now), at=now))


def _registered(resources: Resources) -> RegisterClient:
    now = utc_now()
    return RegisterClient(
        owner=RESERVED,
        grant=AuthorizationCode(bot_user_id=None),
        display_name="Muniment console",
        redirect_uris=(redirect_uri(resources),),
        scopes=(),
        secret=stored(secret(resources), name="console", at=now),
        at=now,
        login=Login(first_party=True, require_pkce=True, id_token_claims="minimal"),  # noqa: S106
        by=SERVICE,
        client_id=CLIENT_ID,
    )


async def _carry_out(resources: Resources, command: ClientCommand) -> None:
    assert STREAM is not None
    handled = await handle(resources.ledger, CLIENT, STREAM, command, envelope(ByService(why=WHY)))
    await resources.lookup.reach(handled.position or 0)


async def _row(resources: Resources) -> Row | None:
    stream = STREAM
    assert stream is not None
    found = await read(resources.ledger.pool, lambda connection: clients.find(connection, stream))
    return None if found is None else found.client
