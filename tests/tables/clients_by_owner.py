"""A projection of many streams into one row, which the tests register: how many clients each owner has."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from events.client import ClientDeleted, ClientRegistered
from events.codec import Recorded
from projections.catch_up import CatchUp, Removed, events


class Row(Struct, frozen=True, kw_only=True):
    """Of an owner, the number of their clients; of a client, whose it is, because a deletion stored long ago does not say."""

    kind: str
    name: str
    owner: str
    clients: int


def project(entry: Recorded, find: Callable[..., Row | None]) -> Iterable[Row | Removed]:
    stream = str(entry.stream_id)
    match entry.event:
        case ClientRegistered(owner=owner):
            yield Row(kind="client", name=stream, owner=owner, clients=1)
            yield _counted(find("owner", owner), owner, 1)
        case ClientDeleted():
            client = find("client", stream)
            if client is not None:
                yield Removed(("client", stream))
                yield _counted(find("owner", client.owner), client.owner, -1)
        case _:
            pass


def _counted(row: Row | None, owner: str, more: int) -> Row:
    return Row(kind="owner", name=owner, owner=owner, clients=(row.clients if row else 0) + more)


PROJECTION = CatchUp(
    name="clients_by_owner",
    version=1,
    follows=events(ClientRegistered | ClientDeleted),
    row=Row,
    key=("kind", "name"),
    project=project,
)
