"""/signed-out: the page after signing out. A user who is still signed in is redirected to the account."""

from starlette.responses import Response

from service.pages.browser import ACCOUNT, Visit
from service.pages.page import Page


async def show(visit: Visit) -> Response:
    return visit.page("signed_out.html", faults=()) if await visit.signed_in() is None else visit.to(ACCOUNT)


SIGNED_OUT_PAGE = Page(get=show)
