"""/signed-out: where somebody is led who signed out."""

from starlette.responses import Response

from service.pages.browser import Visit
from service.pages.door import Page


async def show(visit: Visit) -> Response:
    return visit.page("signed_out.html")


SIGNED_OUT_PAGE = Page(get=show)
