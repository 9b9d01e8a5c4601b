"""The neighbours of a page of a list."""

from typing import Any

from service.console.api import Answer
from service.console.screen import ConsoleVisit


def neighbours(visit: ConsoleVisit, found: Answer, **chosen: str | None) -> dict[str, Any]:
    """Return what the macro `paging` of ui.html takes: the URLs of the next page and of the first one, "" where this is the last or the
    first. `chosen` are the filters of the list.
    """
    following = found.following
    return {
        "following": "" if following is None else visit.here_with(**chosen, cursor=following["cursor"]),
        "first": visit.here_with(**chosen) if "cursor" in visit.query else "",
    }


def here(visit: ConsoleVisit) -> str:
    """Return the URL of the same page of the list: where the forms in its rows are sent."""
    return visit.here_with(cursor=visit.query.get("cursor"))
