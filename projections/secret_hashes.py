"""Which client got the secret with a hash, whether the secret is live or not: what finds the client of a secret that somebody found.

So does it find the client of a registration access token (RFC 7592).
"""

from collections.abc import Callable, Iterable
from uuid import UUID

from msgspec import UNSET, Struct

from events.client import ClientRegistered
from events.client_secret import ClientSecretRehashed
from events.codec import Event, Recorded
from events.database import AnyConnection
from events.secrets_given import GIVING, secrets_given
from projections.catch_up import CatchUp, events

HOLDER = "select client from read.secret_hashes where hash = $1 order by client limit 1"


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """Imported secrets may be equal, so several clients may have the same hash."""

    hash: str
    client: UUID


def hashes(event: Event) -> list[tuple[UUID, str]]:
    """Returns the secrets of which the event has the hash: none for an imported one that the client has not proved yet."""
    if isinstance(event, ClientSecretRehashed):
        return [(event.secret_id, event.hash)]
    return [(each.secret_id, each.hash) for each in secrets_given(event) if each.hash]


def registration_hashes(event: Event) -> list[str]:
    """Returns the hash of the registration access token that the client got, if it registered itself."""
    if not isinstance(event, ClientRegistered) or event.registration is UNSET:
        return []
    return [event.registration.token_hash]


def project(entry: Recorded, find: Callable[..., Row | None]) -> Iterable[Row]:
    """The first event of a client cannot give it a hash that it has, so nothing is looked for."""
    for kept in dict.fromkeys((*(kept for _, kept in hashes(entry.event)), *registration_hashes(entry.event))):
        if entry.version == 1 or find(kept, entry.stream_id) is None:
            yield Row(hash=kept, client=entry.stream_id)


PROJECTION = CatchUp(
    name="secret_hashes",
    version=2,
    follows=events(GIVING | ClientSecretRehashed),
    row=Row,
    key=("hash", "client"),
    project=project,
    looks_first=True,
)


async def holder(connection: AnyConnection, kept: str) -> UUID | None:
    """Returns the stream of a client that got a secret with this hash, or None."""
    return await connection.fetchval(HOLDER, kept)
