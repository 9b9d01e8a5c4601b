"""The history of authorizations: which user had granted which client access, from when until when.

It does not have the use of an authorization (redemption, refresh): that would be a row for each refreshed token.
"""

from uuid import UUID

from events.authorization import AuthorizationGranted, AuthorizationRevoked, CodeIssued
from projections import authorizations, history
from projections.history import History


class Row(history.Row[authorizations.Row], frozen=True, kw_only=True, gc=False):
    user_id: UUID
    client: UUID
    state: str


def keep(granted: authorizations.Row) -> authorizations.Row:
    return granted.__replace__(redeemed_at=None, used_at=None, refresh_until=None, version=0)


HISTORY = History(
    name="authorization_history",
    version=3,
    table=authorizations.TABLE,
    follows=AuthorizationGranted | CodeIssued | AuthorizationRevoked,
    row=Row,
    keep=keep,
    filters=lambda granted: {"user_id": granted.user_id, "client": granted.client, "state": granted.state},
    swept=False,
    indexes=(("user_id", "stream_id"), ("client", "stream_id")),
)


def filters(wanted: authorizations.Wanted) -> dict[str, object]:
    """Returns the conditions of a list (projections/as_of.py)."""
    conditions: dict[str, object] = {
        "user_id = {}::uuid": wanted.user,
        "client = {}::uuid": wanted.client,
        "state = {}::text": wanted.state,
    }
    return {condition: value for condition, value in conditions.items() if value is not None}


PROJECTION = HISTORY.catch_up()
