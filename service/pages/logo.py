"""/consent/logo: the logo of the client that the consent page is about, as an image of this server.

Only a signed-in user gets it, with the sealed authorization request of the page, so nobody can use this server as a proxy for images.
"""

from starlette.responses import PlainTextResponse, Response

from service.client_logos import NoLogo
from service.http.asgi import address
from service.pages.browser import Visit
from service.pages.page import Page
from service.pages.unverified import unverified

PATH = "/consent/logo"
HEADERS = {
    "Cache-Control": "no-store",  # its URL is another one on each page; this server keeps the image
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


async def show(visit: Visit) -> Response:
    """Without a logo it is a 404 that says why: the page's image has an empty alt, so the browser shows nothing."""
    asked, resources = visit.goal(), visit.resources
    seen = await resources.lookup.named(asked.client_id) if await visit.signed_in() else None
    shown = unverified(seen)
    if seen is None or shown is None or shown.logo_uri is None:
        return _none("There is no logo on this page.")
    logo = await resources.logos.of(seen.client, shown.logo_uri, address(visit.request.scope))
    if isinstance(logo, NoLogo):
        return _none(f"The logo of this client cannot be used. {logo.why}")
    return Response(logo.body, headers=HEADERS, media_type=logo.media_type)


def _none(why: str) -> Response:
    return PlainTextResponse(why, 404, headers=HEADERS)


LOGO = Page(get=show)
