"""A projection of many streams into one row, which the tests register: how many clients each owner has."""

from collections.abc import Callable, Iterable

from msgspec import UNSET, Struct

from events.client import ClientDeleted, ClientRegistered
from events.codec import Recorded
from projections.catch_up import CatchUp, Removed, events


class Row(Struct, frozen=True, kw_only=True):
    owner: str
    clients: int


def project(entry: Recorded, find: Callable[..., Row | None]) -> Iterable[Row | Removed]:
    match entry.event:
        case ClientRegistered(owner=owner):
            yield _counted(find(owner), owner, 1)
        case ClientDeleted(owner=owner):
            if owner is UNSET:  # a count without it would be wrong from then on
                raise ValueError("the deletion was stored before deletions named the owner")
            yield _counted(find(owner), owner, -1)
        case _:
            pass


def _counted(row: Row | None, owner: str, more: int) -> Row | Removed:
    clients = (row.clients if row else 0) + more
    return Row(owner=owner, clients=clients) if clients else Removed((owner,))


PROJECTION = CatchUp(
    name="clients_by_owner",
    version=1,
    follows=events(ClientRegistered | ClientDeleted),
    row=Row,
    key=("owner",),
    project=project,
)
