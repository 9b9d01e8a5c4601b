"""The history of signing keys: the public part and the state of each key."""

from events.signing_key import SigningKeyEvent
from projections import history, signing_keys
from projections.history import History


class Row(history.Row[signing_keys.Row], frozen=True, kw_only=True, gc=False):
    state: str


HISTORY = History(
    name="signing_key_history",
    version=1,
    table=signing_keys.TABLE,
    follows=SigningKeyEvent,
    row=Row,
    keep=lambda key: key,
    filters=lambda key: {"state": key.state},
    swept=False,
)


def filters(state: str | None) -> dict[str, object]:
    """Returns the conditions of a list (projections/as_of.py)."""
    return {} if state is None else {"state = {}::text": state}


PROJECTION = HISTORY.catch_up()
