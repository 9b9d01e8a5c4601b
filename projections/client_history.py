"""The history of clients: each version of each client, without the hashes of its secrets."""

from uuid import UUID

from msgspec import UNSET

from events.client import ClientEvent
from projections import client_lists, clients, history
from projections.history import History, named

# The indexes that lists as of a position read carry no scopes: those of a client may be too long for an index.
SNAPSHOT = (
    "(select s.snapshot from read.client_history s where s.stream_id = h.stream_id and s.to_position = h.to_position)"
)

IN_NAME = "strpos(lower(display_name), lower({0}::text)) > 0"
IN_ID = f"strpos(lower({SNAPSHOT} ->> 'client_id'), lower({{0}}::text)) > 0"


class Row(history.Row[clients.Row], frozen=True, kw_only=True, gc=False):
    owner: UUID
    bot_user_id: UUID | None
    state: str
    display_name: str | None
    gone: bool | None = None
    """Whether a deletion ended this version. It stays so if the client is restored: then there is a later version."""


def keep(client: clients.Row) -> clients.Row:
    kept = tuple(secret.__replace__(hash="", imported=UNSET) for secret in client.secrets)
    registration = client.registration and client.registration.__replace__(token_hash="")
    return client.__replace__(secrets=kept, registration=registration)


HISTORY = History(
    name="client_history",
    version=6,
    table=clients.TABLE,
    follows=ClientEvent,
    row=Row,
    keep=keep,
    filters=lambda client: {
        "owner": named(client.owner),
        "bot_user_id": named(client.bot_user_id),
        "state": client.state,
        "display_name": client.display_name,
    },
    indexes=(("gone", "stream_id"), ("gone", "owner", "stream_id")),
    gone={"gone": True},
)


def filters(wanted: client_lists.Wanted) -> dict[str, object]:
    """Returns the conditions of a list (projections/as_of.py)."""
    conditions: dict[str, object] = {
        "owner = {}::uuid": named(wanted.owner),
        "bot_user_id = {}::uuid": named(wanted.bot_user_id),
        "state = {}::text": wanted.state,
        IN_NAME: wanted.name,
        f"({SNAPSHOT} -> 'scopes') ? {{}}::text": wanted.scope,
        f"({SNAPSHOT} -> 'apis') @> jsonb_build_array(jsonb_build_object('identifier', {{}}::text))": wanted.api,
        f"({IN_NAME} or {IN_ID})": wanted.text,
    }
    return {condition: value for condition, value in conditions.items() if value is not None}


def filters_of_deleted(wanted: client_lists.Wanted) -> dict[str, object]:
    """Returns the conditions of a list of deleted clients, whatever the state of each was before."""
    found = {
        condition.replace(SNAPSHOT, "h.snapshot"): value
        for condition, value in filters(wanted.__replace__(state=None)).items()
    }
    return found if wanted.streams is None else {**found, "stream_id = any({}::uuid[])": wanted.streams}


PROJECTION = HISTORY.catch_up()
