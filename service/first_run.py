"""What a service needs before its first request: a key to sign with, and, on a log without any client, somebody who may ask."""

from contextlib import suppress
from pathlib import Path

from msgspec import ValidationError, json

from events.database import read
from events.envelope import ByService, Meta
from service import rotation
from service.configuration.master_key import write_private
from service.configuration.settings import Settings
from service.crypto.credentials import Secret, new_id
from service.operators import Operator, create
from service.resources import open_resources
from service.vault import private_keys

NAME = "operator"
FILE = "operator.json"
ANY_CLIENT = "select exists (select from log.events where type = 'client.registered')"


async def prepare(settings: Settings) -> Operator | None:
    """The operator that was made, if this is the first run of an embedded database. Raises WrongMasterKey."""
    assert settings.database_url is not None
    assert settings.master_key is not None
    meta = Meta(actor=ByService(why="first run"), request_id=str(new_id()))
    async with (
        open_resources(settings, settings.database_url, settings.master_key) as resources,
        rotation.alone(settings.database_url),
    ):
        await rotation.prepare(resources.ledger, private_keys.wrapping(settings.master_key), meta)
        await resources.lookup.be_certain()  # imports the key that signs: another master key is found out here
        if not settings.embedded:  # who operates a database of one's own says so: muniment operator create NAME
            return None
        if await read(resources.ledger.pool, lambda connection: connection.fetchval(ANY_CLIENT)):
            _keep_current(settings)
            return None
        return await create(resources.ledger, NAME, settings.issuer, meta, keep=lambda made: _keep(made, settings.data))


def _keep_current(settings: Settings) -> None:
    """The file names the issuer, which may be another today (another PORT, say)."""
    place = settings.data / FILE
    with suppress(OSError, ValidationError, KeyError):
        kept = json.decode(place.read_bytes(), type=dict[str, str])
        operator = Operator(client_id=kept["client_id"], secret=Secret(kept["client_secret"]), issuer=settings.issuer)
        if kept["issuer"] != settings.issuer:
            write_private(place, operator.as_json())


def _keep(operator: Operator, data: Path) -> None:
    """The file is there before the client is: a crash in between leaves a log without a client, so the next start begins anew."""
    write_private(data / FILE, operator.as_json())
