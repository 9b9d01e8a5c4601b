"""muniment secrets: the live secrets of a client. And muniment clients rotate: a new one, beside the present ones for a while."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from msgspec import Struct

from events.client_secret import ClientSecretExpirySet, ClientSecretRevoked, StoredSecret
from events.database import read
from projections import last_used
from projections.clients import Row
from service.cli.client_lookup import ClientId, carry_out, row_of
from service.cli.client_options import Name
from service.cli.ledger import OPERATOR, AtVersion, Yes, confirm, with_ledger
from service.cli.opening import Plainly, by_operator
from service.cli.output import Json, document, lines, moment, note, say, table
from service.cli.reason_option import Reason
from service.cli.request_fields import done, fields_of
from service.cli.selection import length_of
from service.clock import utc_now
from service.commands.client import AddSecret, RevokeSecret
from service.commands.handle import Ledger
from service.configuration.settings import Settings
from service.crypto.credentials import Secret, new_secret, stored
from service.endpoints.secret_expiry import expiry
from service.endpoints.secret_schemas import AddSecretRequest

COLUMNS = ("secret", "name", "hint", "created", "expires", "last used")
OPTIONS = {"name": "--name", "expiresUtc": "--expires", "othersExpireUtc": "--overlap"}

app = typer.Typer()

Expires = Annotated[
    str | None,
    typer.Option(
        "--expires",
        metavar="WHEN",
        help="A time (2027-01-31, 2027-01-31T14:02, UTC unless it says), or how long from now (90m, 12h, 30d, 2w). Never, if not given.",
        show_default=False,
    ),
]
Overlap = Annotated[
    str,
    typer.Option(
        "--overlap",
        metavar="LENGTH",
        help="How long the others stay valid (90m, 12h, 30d, 2w); 0 revokes them at once.",
    ),
]
SecretId = Annotated[str, typer.Argument(metavar="SECRET_ID", help="As the list has it.", show_default=False)]


class _Added(Struct, frozen=True):
    """`expiring` and `revoked` count the other secrets."""

    secret: Secret
    kept: StoredSecret
    expiring: int
    revoked: int


@app.command("list")
def list_secrets(client_id: ClientId, as_json: Json = False) -> None:
    """List a client's secrets: the name and the last characters of each, and when it was last used. The secrets themselves are not kept.

    Example: `muniment secrets list oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718`
    """
    row, used = with_ledger(lambda ledger, _: _found(ledger, client_id))
    if as_json:
        document([shown(secret, used) for secret in row.secrets])
    else:
        table(COLUMNS, (cells(secret, used) for secret in row.secrets))


@app.command()
def add(
    client_id: ClientId,
    *,
    name: Name = None,
    expires: Expires = None,
    at_version: AtVersion = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Add a secret, and print it, once. The others stay as they are; `muniment clients rotate` gives them an end.

    Example: `muniment secrets add oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718 --name blue --expires 90d`
    """
    now = utc_now()
    asked = AddSecretRequest(name=name, expires_utc=None if expires is None else later("--expires", expires, now))
    _tell(_add(client_id, asked, now, at_version, reason), None, as_json=as_json)


def rotate(
    client_id: ClientId,
    *,
    overlap: Overlap = "24h",
    name: Name = None,
    at_version: AtVersion = None,
    yes: Yes = False,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Add a secret, and print it, once; every other secret of the client expires after the overlap, unless it expires sooner.

    Give the program the new secret meanwhile: `muniment secrets list` shows which one it uses.

    Example: `muniment clients rotate oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718 --overlap 24h`
    """
    now = utc_now()
    end = now if overlap == "0" else later("--overlap", overlap, now, times=False)
    if end == now:
        confirm(f"Revoke every other secret of {client_id} now?", yes=yes, otherwise="nothing was rotated")
    asked = AddSecretRequest(name=name, others_expire_utc=end)
    _tell(_add(client_id, asked, now, at_version, reason), end, as_json=as_json)


@app.command()
def revoke(
    client_id: ClientId,
    secret_id: SecretId,
    *,
    yes: Yes = False,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Revoke a secret: it gets no token any more. Tokens that it got stay valid; `muniment revoke-tree SECRET_ID` stops those too.

    Example: `muniment secrets revoke oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718 0192f3a1-c5d8-7cc4-a1b2-c3d4e5f60718`
    """
    meta = by_operator(reason)

    async def revoked(ledger: Ledger, _settings: Settings) -> StoredSecret:
        row, used = await _found(ledger, client_id)
        secret = _of(row, secret_id)
        last = moment(used.get(secret.secret_id)) or "never"
        question = f"Revoke the secret “{secret.name}” ({secret.hint}, last used: {last}) of {client_id}?"
        confirm(question, yes=yes, otherwise="nothing was revoked")
        command = RevokeSecret(by=OPERATOR, secret_id=secret.secret_id)
        await carry_out(ledger, client_id, command, meta, None)
        return secret

    secret = with_ledger(revoked)
    if as_json:
        document({"client_id": client_id, "secret_id": secret.secret_id, "state": "revoked"})
    else:
        say(f"The secret “{secret.name}” ({secret.hint}) of {client_id} is revoked.")


def shown(secret: StoredSecret, used: Mapping[UUID, datetime]) -> dict[str, Any]:
    told: dict[str, Any] = {
        name: getattr(secret, name) for name in secret.__struct_fields__ if name not in ("hash", "imported")
    }
    return {**told, "last_used_at": used.get(secret.secret_id)}


def cells(secret: StoredSecret, used: Mapping[UUID, datetime]) -> tuple[str, ...]:
    times = (secret.created_at, secret.expires_at, used.get(secret.secret_id))
    return (str(secret.secret_id), secret.name, secret.hint, *(moment(at) or "never" for at in times))


async def _found(ledger: Ledger, client_id: str) -> tuple[Row, dict[UUID, datetime]]:
    row = await row_of(ledger, client_id)
    ids = [secret.secret_id for secret in row.secrets]
    return row, await read(ledger.pool, lambda connection: last_used.secrets_used(connection, ids))


def _of(row: Row, secret_id: str) -> StoredSecret:
    found = next((secret for secret in row.secrets if str(secret.secret_id) == secret_id), None)
    if found is None:
        raise Plainly(
            f"{row.client_id} has no secret {secret_id}; muniment secrets list {row.client_id} has the ids of those that it has."
        )
    return found


def _add(client_id: str, asked: AddSecretRequest, now: datetime, at_version: int | None, reason: str | None) -> _Added:
    fields = fields_of(asked)
    expires_at = expiry(fields, "expiresUtc", now)
    checked, secret, meta = done(fields, OPTIONS), new_secret(), by_operator(reason)
    kept = stored(secret, name=checked.name or f"added {now:%Y-%m-%d}", at=now, expires_at=expires_at)
    command = AddSecret(by=OPERATOR, secret=kept, at=now, others_expire_at=checked.others_expire_utc)
    handled = with_ledger(lambda ledger, _: carry_out(ledger, client_id, command, meta, at_version))
    kinds = Counter(map(type, handled.events))
    return _Added(secret, kept, kinds[ClientSecretExpirySet], kinds[ClientSecretRevoked])


def _tell(added: _Added, others_end: datetime | None, *, as_json: bool) -> None:
    kept, text = added.kept, added.secret.reveal()
    if as_json:
        told = {"secret_id": kept.secret_id, "client_secret": text, "name": kept.name, "hint": kept.hint}
        document({**told, "expires_at": kept.expires_at, "others_expire_at": others_end})
        return
    lines(
        [
            ("secret", f"{kept.secret_id} ({kept.name})"),
            ("client_secret", text),
            ("expires", moment(kept.expires_at) or "never"),
            *([("others", f"{added.expiring} expiring at {moment(others_end)}")] if added.expiring else []),
            *([("revoked", str(added.revoked))] if added.revoked else []),
        ]
    )
    note("the secret is shown this once, and kept nowhere")


def later(option: str, given: str, now: datetime, *, times: bool = True) -> datetime:
    """Returns the time after a length such as 30d, or the given time. Raises Plainly."""
    if length := length_of(given):
        return now + length
    also = " or a time such as 2027-01-31T14:02Z" if times else ""
    try:
        at = datetime.fromisoformat(given) if times else now
    except ValueError:
        at = now
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if at <= now:
        raise Plainly(f"{option} {given} is neither so long from now (90m, 12h, 30d, 2w){also}, in the future.")
    return at
