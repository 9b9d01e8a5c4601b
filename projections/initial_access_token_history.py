"""The history of initial access tokens: each version of each, without its hash."""

from uuid import UUID

from events.initial_access_token import InitialAccessTokenEvent
from projections import history, initial_access_tokens
from projections.history import History, named


class Row(history.Row[initial_access_tokens.Row], frozen=True, kw_only=True, gc=False):
    owner: UUID
    state: str


HISTORY = History(
    name="initial_access_token_history",
    version=1,
    table=initial_access_tokens.TABLE,
    follows=InitialAccessTokenEvent,
    row=Row,
    keep=lambda token: token.__replace__(hash=""),
    filters=lambda token: {"owner": named(token.owner), "state": token.state},
)

PROJECTION = HISTORY.catch_up()


def filters(owner: str | None) -> dict[str, object]:
    """Returns the conditions of a list (projections/as_of.py)."""
    return {} if owner is None else {"owner = {}::uuid": named(owner)}
