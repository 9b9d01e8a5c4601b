"""The history of bots: each version of each bot. A deleted bot has a current row without names, as in the table of bots."""

from uuid import UUID

from events.bot import BotEvent
from projections import bots, history
from projections.history import History, named


class Row(history.Row[bots.Row], frozen=True, kw_only=True, gc=False):
    owner: UUID
    state: str


HISTORY = History(
    name="bot_history",
    version=2,
    table=bots.TABLE,
    follows=BotEvent,
    row=Row,
    keep=lambda bot: bot,
    filters=lambda bot: {"owner": named(bot.owner), "state": bot.state},
)


def filters(owner: str | None) -> dict[str, object]:
    """Returns the conditions of a list (projections/as_of.py): deleted bots are not in it."""
    here: dict[str, object] = {"state <> {}::text": "deleted"}
    return here if owner is None else {**here, "owner = {}::uuid": named(owner)}


PROJECTION = HISTORY.catch_up()
