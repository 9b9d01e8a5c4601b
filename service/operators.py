"""Operator clients: the first caller of the API, and others that the command line creates."""

from collections.abc import Callable, Sequence

from msgspec import Struct, json

from events.client import ClientCredentials
from events.envelope import Meta
from events.ids import client_id_of
from service.clock import utc_now
from service.commands.authority import RESERVED
from service.commands.client import RegisterClient
from service.commands.handle import CLIENT, Ledger, handle
from service.crypto.credentials import Secret, new_id, new_secret, stored
from service.values.scopes import AUDITORS, OPERATORS

OWNER = RESERVED
"""Operators belong to the service itself, so no caller's `DELETE` of all their clients deletes operators."""


class Operator(Struct, frozen=True, kw_only=True):
    """An operator's credentials, on the way to the operator."""

    client_id: str
    secret: Secret
    issuer: str

    def as_json(self) -> bytes:
        """Return the credentials for scripts: {"client_id", "client_secret", "issuer", "token_endpoint"}."""
        return json.format(
            json.encode(
                {
                    "client_id": self.client_id,
                    "client_secret": self.secret.reveal(),
                    "issuer": self.issuer,
                    "token_endpoint": f"{self.issuer}/openid/token",
                }
            )
        )


async def create(
    ledger: Ledger,
    name: str,
    issuer: str,
    meta: Meta,
    *,
    scopes: Sequence[str] = OPERATORS,
    keep: Callable[[Operator], None] = lambda _: None,
) -> Operator:
    """Register the client. `name` is the `sub` of its tokens. `keep` gets the credentials before they become valid."""
    stream, secret, now = new_id(), new_secret(), utc_now()
    command = RegisterClient(
        owner=OWNER,
        grant=ClientCredentials(bot_user_id=name),
        display_name=f"{'Auditor' if tuple(scopes) == AUDITORS else 'Operator'} {name}",
        redirect_uris=(),
        scopes=tuple(scopes),
        secret=stored(secret, name="first", at=now),
        at=now,
        apis=(),
    )
    operator = Operator(client_id=client_id_of(stream), secret=secret, issuer=issuer)
    keep(operator)
    await handle(ledger, CLIENT, stream, command, meta, fresh=True)
    return operator
