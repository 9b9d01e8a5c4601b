"""Sends a checkpoint to a witness, in bounded time, and reads a response of bounded size."""

import httpx

from service.network.outgoing import bounded
from service.network.trust import trusted
from service.tracing.spans import outgoing
from service.transparency.submission import MOST_BYTES, Answer, WitnessFault

TIMEOUT_SECONDS = 5.0


class WitnessClient:
    """Uses no proxy from the environment and follows no redirect: the operator named the witnesses."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(
            trust_env=False, verify=trusted(), follow_redirects=False, timeout=TIMEOUT_SECONDS
        )

    async def add_checkpoint(self, url: str, body: bytes) -> Answer:
        """Raises WitnessFault."""
        with outgoing("witness") as sent:
            async with (
                bounded(TIMEOUT_SECONDS, WitnessFault),
                self._http.stream(
                    "POST", f"{url}/add-checkpoint", content=body, headers=dict(sent.headers)
                ) as response,
            ):
                sent.status = response.status_code
                media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                return Answer(status=response.status_code, media=media, body=await _read(response))

    async def close(self) -> None:
        await self._http.aclose()


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MOST_BYTES:
            raise WitnessFault("its response is longer than 64 KiB")
    return bytes(body)
