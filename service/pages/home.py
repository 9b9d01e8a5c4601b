"""/: whoever comes by is most likely looking for their account."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from service.endpoints.asgi import resources_of
from service.endpoints.origin import below


async def home(request: Request) -> Response:
    return RedirectResponse(f"{below(resources_of(request.scope).settings.issuer)}/account", HTTPStatus.SEE_OTHER)
