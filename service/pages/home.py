"""/: leads a signed-in user to the account; others see links to sign in and to the API reference."""

from starlette.responses import Response

from service.pages.browser import ACCOUNT, Visit
from service.pages.page import Page


async def show(visit: Visit) -> Response:
    return visit.page("home.html") if await visit.signed_in() is None else visit.to(ACCOUNT)


HOME_PAGE = Page(get=show)
