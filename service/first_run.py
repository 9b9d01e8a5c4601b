"""Prepares a service for its first request: signing keys, and, if the log has no client, an operator for the API."""

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
    """Return the operator if this call made one, on the first run of an embedded database. Raises WrongMasterKey."""
    assert settings.database_url is not None
    assert settings.master_key is not None
    meta = Meta(actor=ByService(why="first run"), request_id=str(new_id()))
    async with (
        open_resources(settings, settings.database_url, settings.master_key) as resources,
        rotation.alone(settings.database_url),
    ):
        await rotation.prepare(resources.ledger, private_keys.wrapping(settings.master_key), meta)
        await resources.lookup.be_certain()  # loads the signing key, so that a wrong master key is found here
        if not settings.embedded:  # the operator of an external database runs `muniment operator create NAME`
            return None
        if await read(resources.ledger.pool, lambda connection: connection.fetchval(ANY_CLIENT)):
            _keep_current(settings)
            return None
        return await create(resources.ledger, NAME, settings.issuer, meta, keep=lambda made: _keep(made, settings.data))


def _keep_current(settings: Settings) -> None:
    """Update the file's issuer, which may have changed, for example with another PORT."""
    place = settings.data / FILE
    with suppress(OSError, ValidationError, KeyError):
        kept = json.decode(place.read_bytes(), type=dict[str, str])
        operator = Operator(client_id=kept["client_id"], secret=Secret(kept["client_secret"]), issuer=settings.issuer)
        if kept["issuer"] != settings.issuer:
            write_private(place, operator.as_json())


def _keep(operator: Operator, data: Path) -> None:
    """Write the file before the client is registered. After a crash in between, the log has no client, so the next start tries again."""
    write_private(data / FILE, operator.as_json())
