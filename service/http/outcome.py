"""How a request ended, for what is written down about it afterwards."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


async def with_outcome(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, ended: Callable[[Scope, int], None]
) -> None:
    """Run the application, then call `ended` with the scope and the status of the response.

    The status is 500 if the application raised an error, and 0 if the caller left before the response.
    """
    status = 0

    async def noting(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        await send(message)

    try:
        await app(scope, receive, noting)
    except Exception:
        status = 500
        raise
    finally:
        ended(scope, status)
