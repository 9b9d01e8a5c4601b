"""A message that the next page shows once, such as "The client is disabled.": sealed in a cookie, so no link can write it."""

from typing import Literal

from msgspec import Struct
from starlette.responses import Response

from service.console.place import NOTICE
from service.pages.browser import Visit
from service.pages.sealed_state import close, unsealed

SECONDS = 60
MOST = 500
"""Characters of a message: a cookie has at most 4 kB."""

Kind = Literal["good", "bad"]


class Notice(Struct, frozen=True, kw_only=True):
    text: str
    kind: Kind


def keep(visit: Visit, response: Response, notice: Notice | None) -> None:
    """Set the cookie; None removes it."""
    if notice is None:
        visit.set_cookie(response, NOTICE, "", 0)
    else:
        kept = notice.__replace__(text=notice.text[:MOST])
        visit.set_cookie(response, NOTICE, close(visit, kept, SECONDS), SECONDS)


def taken(visit: Visit) -> Notice | None:
    return unsealed(visit, visit.cookie(NOTICE), Notice)
