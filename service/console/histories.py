"""The history of a client, bot, user or anything else that has one, as the API has it: the newest change comes first, and what is gone
has one, too.
"""

from typing import Any

from service.console import changes, paging
from service.console.api import Answer, Refused
from service.console.names import Names
from service.console.screen import ConsoleVisit
from service.endpoints.history_schemas import HistoryEntry

LAST = 8
"""So many changes stand beside what a page is about."""

PAGE_SIZE = 50


async def page_of(visit: ConsoleVisit, path: str, *, most: int, cursor: str | None = None) -> Answer:
    """Return a page of the history of what has this path in the API. Raises Refused, with status 404 for what never was."""
    return await visit.api.get(f"{path}/history", limit=str(most), cursor=cursor)


async def whole(visit: ConsoleVisit, path: str) -> dict[str, Any]:
    """Return what history.html shows: the page of the history that the address names, and its neighbours. Raises Refused."""
    found = await page_of(visit, path, most=PAGE_SIZE, cursor=visit.query.get("cursor"))
    entries = await changes.entries(visit, found.of(list[HistoryEntry]))
    return {"entries": entries, **paging.neighbours(visit, found)}


async def newest(visit: ConsoleVisit, path: str, most: int) -> list[HistoryEntry]:
    """Raises Refused."""
    return (await page_of(visit, path, most=most)).of(list[HistoryEntry])


async def last_changes(visit: ConsoleVisit, path: str, names: Names | None = None) -> list[changes.Entry]:
    """Raises Refused."""
    return await changes.entries(visit, await newest(visit, path, LAST), names)


async def end(visit: ConsoleVisit, path: str, kind: str) -> HistoryEntry | None:
    """Return the event of this type that ended it, such as `client.deleted`; None if another is its last one, or if it never was."""
    try:
        last = await newest(visit, path, 1)
    except Refused:
        return None
    return last[0] if last and last[0].type == kind else None
