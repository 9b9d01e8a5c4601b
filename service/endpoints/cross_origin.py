"""Scripts of any site may call what takes no cookie (CORS): whoever has the token or the code may use it, from wherever they are."""

from starlette.requests import Request
from starlette.responses import Response

FROM_ANYWHERE = {"Access-Control-Allow-Origin": "*"}
PREFLIGHT = {
    **FROM_ANYWHERE,
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "86400",
}


async def preflight(_request: Request) -> Response:
    """The answer to an OPTIONS request."""
    return Response(status_code=204, headers=PREFLIGHT)
