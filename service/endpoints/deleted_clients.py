"""The list of deleted clients: each as it last was, from their history, which is a moment behind the log.

This is no read of the past, and is not recorded as one: it says what is deleted now, and no more than the list did while the client existed.
"""

from starlette.responses import Response

from events.database import read
from projections import as_of, client_history
from projections.client_lists import Wanted
from projections.clients import Row
from service.endpoints import paging
from service.endpoints.as_of import reached
from service.endpoints.call import Call
from service.endpoints.client_schemas import ListedClient
from service.endpoints.paging import PageRequest
from service.endpoints.responses import answered

OF_NOW = ("as_of", "order", "usageDays", "expiresWithin")
"""What a list of deleted clients does not have: they are gone at no moment of the past, and nobody uses them."""


async def answer(call: Call, path: str, page: PageRequest, wanted: Wanted) -> Response:
    """Raises Invalid, and ComeAgain after an upgrade until the history has been made anew."""
    _check(page)
    asked = as_of.Wanted(
        position=0,
        after=page.after,
        limit=page.limit + 1,
        filters=client_history.filters_of_deleted(wanted),
        newest_first=wanted.newest_first,
    )
    await reached(call, client_history.PROJECTION, 0)
    rows = await read(call.resources.ledger.pool, lambda c: as_of.deleted(c, client_history.HISTORY, asked))
    shown, more = rows[: page.limit], len(rows) > page.limit
    headers = page.link(call.resources.settings.issuer, path, shown[-1].stream_id) if more else {}
    return answered([_listed(row) for row in shown], headers=headers)


def _check(page: PageRequest) -> None:
    given = {
        "as_of": page.position is not None,
        "usageDays": "usageDays" in page.filters,
        "expiresWithin": "expiresWithin" in page.filters,
    }
    given["order"] = page.filters.get("order", "oldest") not in ("oldest", "newest")
    faults = {name: ["cannot be combined with state=deleted"] for name in OF_NOW if given[name]}
    if faults:
        raise paging.invalid(faults)


def _listed(row: Row) -> ListedClient:
    return ListedClient(
        client_id=row.client_id,
        display_name=row.display_name,
        redirect_uris=list(row.redirect_uris),
        created_utc=row.created_at,
        bot_user_id=row.bot_user_id,
        owner=row.owner,
        state="deleted",
        scopes=list(row.scopes),
        last_used_utc=None,
        oldest_secret_utc=None,
        next_expiry_utc=None,
    )
