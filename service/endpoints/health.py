"""For whoever keeps the service running: does the process live, and can it answer?"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from events.database import Unavailable
from service.endpoints.asgi import resources_of


async def live(_request: Request) -> Response:
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> Response:
    """Ready is: the database answers, this process follows the log, and there is a key to sign with."""
    resources = resources_of(request.scope)
    try:
        await resources.lookup.be_current()
    except Unavailable as fault:
        return JSONResponse({"status": "not ready", "why": str(fault)}, 503, {"Retry-After": "1"})
    if resources.ring.signer is None:
        return JSONResponse({"status": "not ready", "why": "there is no active signing key"}, 503, {"Retry-After": "1"})
    return JSONResponse({"status": "ready", "position": resources.lookup.position})
