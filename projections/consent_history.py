"""The history of consents: the scopes that each user allowed each client, and when."""

from uuid import UUID

from events.consent import ConsentEvent
from projections import consents, history
from projections.history import History, named


class Row(history.Row[consents.Row], frozen=True, kw_only=True, gc=False):
    user_id: UUID
    client: UUID
    state: str


HISTORY = History(
    name="consent_history",
    version=1,
    table=consents.TABLE,
    follows=ConsentEvent,
    row=Row,
    keep=lambda consent: consent,
    filters=lambda consent: {
        "user_id": consent.user_id,
        "client": named(consent.client_id),
        "state": consent.state,
    },
    swept=False,
    indexes=(("user_id", "stream_id"), ("client", "stream_id")),
)


def filters(wanted: consents.Wanted) -> dict[str, object]:
    """Returns the conditions of a list (projections/as_of.py)."""
    conditions: dict[str, object] = {
        "user_id = {}::uuid": wanted.user,
        "client = {}::uuid": named(wanted.client_id),
        "state = {}::text": wanted.state,
    }
    return {condition: value for condition, value in conditions.items() if value is not None}


PROJECTION = HISTORY.catch_up()
