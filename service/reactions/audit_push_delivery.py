"""Sends a signed batch of events to the endpoint that an operator named."""

from collections.abc import Mapping

import httpx

from service.network.outgoing import bounded
from service.network.trust import trusted
from service.reactions.not_delivered import NotTaken
from service.tracing.spans import outgoing

TIMEOUT_SECONDS = 10


class Delivery:
    """Uses no proxy from the environment and follows no redirect: events go only to the URL of the setting."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.AsyncClient(
            trust_env=False, verify=trusted(), follow_redirects=False, timeout=TIMEOUT_SECONDS
        )

    async def send(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Return if the endpoint accepted the request, else raises NotTaken. Only the status of the response is read."""
        with outgoing("webhook") as sent:
            async with (
                bounded(2 * TIMEOUT_SECONDS, NotTaken),
                self._http.stream("POST", self._url, content=body, headers={**headers, **sent.headers}) as answer,
            ):
                sent.status = answer.status_code
            if not 200 <= sent.status < 300:
                raise NotTaken(f"it answered {sent.status}")

    async def aclose(self) -> None:
        await self._http.aclose()
