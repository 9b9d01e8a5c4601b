"""Sending a logout token to a client (OpenID Connect Back-Channel Logout 1.0 section 2.5)."""

import asyncio

import httpx

TIMEOUT_SECONDS = 5


class Delivery:
    """No proxy from the environment, no redirect followed: it goes where the client said, and nowhere else."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=TIMEOUT_SECONDS)

    async def fault(self, uri: str, token: str) -> str | None:
        """Why the client did not take it, in a few words; None when it did. Of its answer the status is all that is read."""
        try:
            async with (
                asyncio.timeout(2 * TIMEOUT_SECONDS),
                self._http.stream("POST", uri, data={"logout_token": token}) as answer,
            ):
                return None if answer.status_code in (200, 204) else f"it answered {answer.status_code}"
        except (TimeoutError, httpx.TimeoutException):
            return "it did not answer in time"
        except httpx.ConnectError:
            return "it could not be connected to"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return "what it answered was not HTTP, or the connection broke"

    async def aclose(self) -> None:
        await self._http.aclose()
