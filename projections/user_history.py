"""The history of users: their state, their roles, their sealed profile and the kinds of their second factors.

It has nothing that proves who a user is: no password, no material of a factor. So a change of the password is no version of its own.
"""

from events.sealed import Sealed
from events.user import UserEvent
from projections import history, users
from projections.history import History

NOTHING = Sealed("")


class Row(history.Row[users.Row], frozen=True, kw_only=True, gc=False):
    state: str


def keep(user: users.Row) -> users.Row:
    factors = tuple(factor.__replace__(kept=NOTHING) for factor in user.factors)
    return user.__replace__(password=None, password_at=None, factors=factors, version=0)


HISTORY = History(
    name="user_history",
    version=3,
    table=users.TABLE,
    follows=UserEvent,
    row=Row,
    keep=keep,
    filters=lambda user: {"state": user.state},
)

NOT_ERASED = "not exists (select from read.users u where u.stream_id = h.stream_id and u.state = {}::text)"


def filters(state: str | None) -> dict[str, object]:
    """Returns the conditions of a list (projections/as_of.py): a user who is erased today is in no list, as of any moment."""
    here: dict[str, object] = {NOT_ERASED: "erased"}
    return here if state is None else {**here, "state = {}::text": state}


PROJECTION = HISTORY.catch_up()
