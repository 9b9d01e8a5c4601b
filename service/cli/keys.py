"""muniment keys: what signs the tokens."""

import typer
from msgspec import structs

from events.database import Connection
from events.envelope import Meta
from projections import signing_key_history
from projections.signing_keys import Row, every
from service.cli import rewrapping
from service.cli.as_of import AsOf, past
from service.cli.ledger import open_ledger
from service.cli.opening import ask, by_operator, open_database, right_key, run, url_of
from service.cli.output import Json, document, moment, say, table
from service.cli.reason_option import Reason
from service.configuration.settings import Settings

app = typer.Typer()

MOST_KEYS = 1_000_000


@app.command("list")
def list_keys(*, as_of: AsOf = None, as_json: Json = False) -> None:
    """List signing keys, oldest first: the active one signs, the published one is next, a retired one only verifies.

    Example: `muniment keys list`
    """
    rows = ask(every if as_of is None else lambda connection: _then(connection, as_of))
    if as_json:
        document([structs.asdict(row) for row in rows])
    else:
        table(("kid", "alg", "state", "published", "activated", "retired"), map(_cells, rows))


@app.command()
def rotate(reason: Reason = None, as_json: Json = False) -> None:
    """Let the next key sign from now on, retire the present one, and publish a new next one. Prints the kid of new access tokens.

    Tokens signed before stay good: the retired key is in the JWKS until the last of them has expired. The next key has been
    there since the last rotation, so give resource servers time between two. A running service notices by itself.

    Example: `muniment keys rotate`
    """
    meta = by_operator(reason)
    with open_database(needs_key=True) as settings, right_key():
        kid = run(_rotated(settings, meta))
    if as_json:
        document({"kid": kid})
    else:
        say(kid)


app.command("rewrap")(rewrapping.rewrap)


async def _then(connection: Connection, as_of: str) -> list[Row]:
    then = await past(connection, as_of)
    return await then.listed(signing_key_history.HISTORY, {}, MOST_KEYS)


async def _rotated(settings: Settings, meta: Meta) -> str:
    from service import rotation  # noqa: PLC0415 - it imports the libraries of cryptography
    from service.vault import private_keys  # noqa: PLC0415

    assert settings.master_key is not None
    url, seal = url_of(settings), private_keys.wrapping(settings.master_key)
    async with open_ledger(url) as ledger:
        kids = await rotation.rotate(url, ledger, seal, meta)
        return kids[settings.access_token_alg]


def _cells(row: Row) -> tuple[str, ...]:
    times = (row.published_at, row.activated_at, row.retired_at)
    return (row.kid, row.alg, row.state, *map(moment, times))
