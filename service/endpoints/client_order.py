"""The orders of the list of clients that a value decides: the name, or the last use. The cursor has the value, too.

The past is not sorted by them: the log does not say when a client was last used then, and no index has the names of then.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import get_args

from events.database import read
from projections import client_order
from projections.client_lists import View, Wanted
from projections.client_order import After, Order
from projections.listed_clients import Listed
from service.endpoints import paging
from service.endpoints.as_of import Page
from service.endpoints.call import Call
from service.endpoints.paging import PageRequest

ORDERS: tuple[Order, ...] = get_args(Order)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_MICROSECOND = timedelta(microseconds=1)


def order_of(text: str | None) -> Order | None:
    """Return the order, if it is one of these."""
    return text if text in ORDERS else None


async def page_of(
    call: Call, path: str, page: PageRequest, wanted: Wanted, view: View[Listed], *, order: Order
) -> Page[Listed]:
    """Return the page. Raises Invalid for a moment of the past, and for a cursor of another order."""
    if page.position is not None:
        raise paging.invalid({"order": [f"{paging.NOT_OF_THE_PAST}, which lists the oldest or the newest first"]})
    after = page.after and After(page.after, _value(page.value, order))
    most = page.limit + 1
    pool = call.resources.ledger.pool
    found = await read(pool, lambda connection: client_order.listed(connection, wanted, view, order, after, limit=most))
    shown, link = found[: page.limit], {}
    if len(found) > page.limit:
        last = shown[-1]
        link = page.link(call.resources.settings.issuer, path, last.row.stream_id, _cursor(last.value))
    return Page([each.row for each in shown], None, link)


def _cursor(value: str | datetime | None) -> str | None:
    """Return the value in the form of the cursor: a name in base64url, a time as microseconds since 1970."""
    match value:
        case None:
            return None
        case str():
            return base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")
        case datetime():
            return str((value - EPOCH) // A_MICROSECOND)


def _value(text: str | None, order: Order) -> str | datetime | None:
    if text is None:
        return None
    return _name(text) if order in ("name", "name_descending") else _time(text)


def _name(text: str) -> str:
    try:
        name = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as fault:
        raise paging.invalid({"cursor": [paging.NO_CURSOR]}) from fault
    if "\0" in name:
        raise paging.invalid({"cursor": [paging.NO_CURSOR]})
    return name


def _time(text: str) -> datetime:
    try:
        return EPOCH + int(text) * A_MICROSECOND
    except (ValueError, OverflowError) as fault:
        raise paging.invalid({"cursor": [paging.NO_CURSOR]}) from fault
