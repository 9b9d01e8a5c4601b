"""muniment client-keys: the public keys with which a client authenticates instead of a secret."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from msgspec import to_builtins

from events.client_key import StoredKey
from events.database import read
from projections import last_used
from projections.clients import Row
from service.cli.client_lookup import ClientId, carry_out, row_of
from service.cli.client_options import Name
from service.cli.client_secrets import OPTIONS, Expires, later
from service.cli.key_file import read_jwk
from service.cli.ledger import OPERATOR, AtVersion, Yes, confirm, with_ledger
from service.cli.opening import Plainly, by_operator
from service.cli.output import Json, document, lines, moment, say, table
from service.cli.reason_option import Reason
from service.cli.request_fields import done, fields_of
from service.clock import utc_now
from service.commands.client import AddKey, RevokeKey
from service.commands.handle import Ledger
from service.configuration.settings import Settings
from service.crypto.credentials import stored_key
from service.endpoints.key_schemas import AddKeyRequest
from service.endpoints.secret_expiry import expiry

COLUMNS = ("key", "name", "kid", "algorithms", "created", "expires", "last used")

app = typer.Typer()

KeyFile = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A public key as JSON (a JWK, RFC 7517), or a certificate as PEM; - is the standard input.",
        show_default=False,
    ),
]
KeyId = Annotated[str, typer.Argument(metavar="KEY_ID", help="As the list has it.", show_default=False)]
Overlap = Annotated[
    str | None,
    typer.Option(
        "--overlap",
        metavar="LENGTH",
        help="How long the others stay valid (90m, 12h, 30d, 2w); 0 revokes them at once. If not given, they stay as they are.",
        show_default=False,
    ),
]


@app.command("list")
def list_keys(client_id: ClientId, as_json: Json = False) -> None:
    """List a client's public keys, and when each was last used.

    Example: `muniment client-keys list oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718`
    """
    row, used = with_ledger(lambda ledger, _: _found(ledger, client_id))
    if as_json:
        document([_shown(key, used) for key in row.keys])
    else:
        table(COLUMNS, (_cells(key, used) for key in row.keys))


@app.command()
def add(
    client_id: ClientId,
    file: KeyFile,
    *,
    name: Name = None,
    expires: Expires = None,
    overlap: Overlap = None,
    at_version: AtVersion = None,
    yes: Yes = False,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Add a public key. A private key is refused.

    Example: `muniment client-keys add oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718 key.json --overlap 24h`
    """
    from service.endpoints.key_fields import parsed_key  # noqa: PLC0415 - its libraries take ten megabytes
    from service.oauth.client_keys import UnusableKey  # noqa: PLC0415 - its libraries take ten megabytes

    now, meta = utc_now(), by_operator(reason)
    end = None if overlap is None else now if overlap == "0" else later("--overlap", overlap, now, times=False)
    ends = None if expires is None else later("--expires", expires, now)
    try:
        key = parsed_key(read_jwk(file))
    except UnusableKey as fault:
        raise Plainly(f"the key in {file} {fault}") from fault
    fields = fields_of(AddKeyRequest(jwk=to_builtins(key.jwk), name=name, expires_utc=ends))
    until, asked = expiry(fields, "expiresUtc", now), done(fields, OPTIONS)
    if end == now:
        confirm(f"Revoke every other key of {client_id} now?", yes=yes, otherwise="nothing was added")
    kept = stored_key(key, name=asked.name or f"added {now:%Y-%m-%d}", at=now, expires_at=until)
    command = AddKey(by=OPERATOR, key=kept, at=now, others_expire_at=end)
    with_ledger(lambda ledger, _: carry_out(ledger, client_id, command, meta, at_version))
    if as_json:
        document({**_shown(kept, {}), "others_expire_at": end})
    else:
        lines([("key", f"{kept.key_id} ({kept.name})"), ("kid", kept.kid), ("expires", moment(until) or "never")])


@app.command()
def revoke(
    client_id: ClientId, key_id: KeyId, *, yes: Yes = False, reason: Reason = None, as_json: Json = False
) -> None:
    """Revoke a public key: it gets no token any more. Tokens that it got stay valid until they expire.

    Example: `muniment client-keys revoke oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718 0192f3a1-c5d8-7cc4-a1b2-c3d4e5f60718`
    """
    meta = by_operator(reason)

    async def revoked(ledger: Ledger, _settings: Settings) -> StoredKey:
        row, used = await _found(ledger, client_id)
        key = _of(row, key_id)
        last = moment(used.get(key.key_id)) or "never"
        question = f"Revoke the key “{key.name}” ({key.kid}, last used: {last}) of {client_id}?"
        confirm(question, yes=yes, otherwise="nothing was revoked")
        await carry_out(ledger, client_id, RevokeKey(by=OPERATOR, key_id=key.key_id), meta, None)
        return key

    key = with_ledger(revoked)
    if as_json:
        document({"client_id": client_id, "key_id": key.key_id, "state": "revoked"})
    else:
        say(f"The key “{key.name}” ({key.kid}) of {client_id} is revoked.")


def _shown(key: StoredKey, used: Mapping[UUID, datetime]) -> dict[str, Any]:
    from service.oauth.client_keys import algorithms  # noqa: PLC0415 - its libraries take ten megabytes

    return {
        "key_id": key.key_id,
        "name": key.name,
        "kid": key.kid,
        "thumbprint": key.thumbprint,
        "algorithms": list(algorithms(key)),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": used.get(key.key_id),
    }


def _cells(key: StoredKey, used: Mapping[UUID, datetime]) -> tuple[str, ...]:
    from service.oauth.client_keys import algorithms  # noqa: PLC0415 - its libraries take ten megabytes

    times = (key.created_at, key.expires_at, used.get(key.key_id))
    return (str(key.key_id), key.name, key.kid, ", ".join(algorithms(key)), *(moment(at) or "never" for at in times))


async def _found(ledger: Ledger, client_id: str) -> tuple[Row, dict[UUID, datetime]]:
    row = await row_of(ledger, client_id)
    ids = [key.key_id for key in row.keys]
    return row, await read(ledger.pool, lambda connection: last_used.secrets_used(connection, ids))


def _of(row: Row, key_id: str) -> StoredKey:
    found = next((key for key in row.keys if str(key.key_id) == key_id), None)
    if found is None:
        raise Plainly(f"{row.client_id} has no key {key_id}; muniment client-keys list {row.client_id} has the ids.")
    return found
