"""The history of APIs: each version of each API. A deleted API has a current row without its settings, as in the table of APIs."""

from uuid import UUID

from events.api import ApiEvent
from projections import apis, history
from projections.history import History


class Row(history.Row[apis.Row], frozen=True, kw_only=True, gc=False):
    state: str


HISTORY = History(
    name="api_history",
    version=1,
    table=apis.TABLE,
    follows=ApiEvent,
    row=Row,
    keep=lambda api: api,
    filters=lambda api: {"state": api.state},
)


def filters(stream: UUID | None = None) -> dict[str, object]:
    """Returns the conditions of a list (projections/as_of.py): deleted APIs are not in it."""
    here: dict[str, object] = {"state <> {}::text": "deleted"}
    return here if stream is None else {**here, "stream_id = {}::uuid": stream}


PROJECTION = HISTORY.catch_up()
