"""The refusals of a worker that has too much to do, made beforehand: such a refusal must cost much less than an answer.

It has the format of its path: an error of OAuth (RFC 6749 section 5.2), a problem (RFC 9457), or plain text where there are pages.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from msgspec import json
from starlette.types import Receive, Scope, Send

from service.crypto.credentials import new_id
from service.http.asgi import answer
from service.http.cors import CrossOrigin
from service.oauth.errors import ServerAway
from service.problems import ComeAgain

TEXT = (
    "This server has more requests than it can answer in time, so it did nothing for this one. Try again in a second."
)
STATUS = HTTPStatus.SERVICE_UNAVAILABLE
NO_ID = str(UUID(int=0))
"""Stands for the id of the request."""

HEALTH, MANAGEMENT, OPENID = b"/health/", b"/api/", b"/openid/"
PAGES = (b"/openid/authorize", b"/openid/continue", b"/openid/logout")


class Refused:
    """One such refusal, as an ASGI application and as bytes."""

    def __init__(self, media: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._body = body
        self._headers = {"Content-Type": media, "Cache-Control": "no-store", "Retry-After": "1", **(headers or {})}
        lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in self._headers.items())
        raw = f"HTTP/1.1 {STATUS} {STATUS.phrase}\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body
        self._raw, self._has_id = raw, NO_ID.encode() in raw
        self.app: Any = CrossOrigin(self)  # uvicorn and Starlette have each their own type for the same
        self.is_page = media.startswith("text/")

    def whole(self) -> bytes:
        """Return the whole response. (A 503 needs no Date: RFC 9110 section 6.6.1.)"""
        return self._raw.replace(NO_ID.encode(), str(new_id()).encode()) if self._has_id else self._raw

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        request_id = str(new_id())
        headers = {name: value.replace(NO_ID, request_id) for name, value in self._headers.items()}
        await answer(send, STATUS, headers, self._body.replace(NO_ID.encode(), request_id.encode()))


ERROR = Refused(
    "application/json", json.encode({"error": ServerAway.error, "error_description": TEXT}), {"Pragma": "no-cache"}
)
PROBLEM = Refused(
    "application/problem+json", json.encode(ComeAgain(TEXT).body(f"urn:uuid:{NO_ID}")), {"X-Request-Id": NO_ID}
)
PLAIN = Refused("text/plain; charset=utf-8", f"{TEXT}\n".encode())


class Refusals:
    """Which refusal a request gets; below the issuer's path, if a proxy keeps that."""

    def __init__(self, issuer_path: str) -> None:
        self._below = issuer_path.encode()

    def of(self, url: bytes) -> Refused | None:
        """Return None for what is never refused: whoever watches the process has to learn that it lives."""
        path = url.removeprefix(self._below)
        if path.startswith(OPENID) and not path.startswith(PAGES):
            return ERROR
        if path.startswith(MANAGEMENT):
            return PROBLEM
        return None if path.startswith(HEALTH) else PLAIN
