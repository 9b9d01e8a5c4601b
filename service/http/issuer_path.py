"""An issuer with a path, such as https://example.com/tenant. It works whether the proxy keeps that path or strips it."""

from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

WELL_KNOWN = (
    ("/.well-known/oauth-authorization-server", ""),
    ("/.well-known/openid-configuration", ""),
    ("/.well-known/oauth-protected-resource", ""),
    ("/.well-known/oauth-protected-resource", "/api/v1"),
)
"""Each well-known path, and the path below the issuer of what it is about."""


class IssuerPath:
    """Strip the issuer's path from a request's path if the proxy kept it. `rooms` are the first segments of this server's paths."""

    def __init__(self, app: ASGIApp, *, path: str, rooms: Collection[str]) -> None:
        self._app = app
        self._path = path
        self._rooms = frozenset(rooms)
        # RFC 8414 section 3.1 and RFC 9728 section 3.1 append the issuer's path to the well-known one. Such a path belongs to the host,
        # so no proxy strips it.
        self._inserted = {f"{known}{path}{rest}": f"{known}{rest}" for known, rest in WELL_KNOWN}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            inner = self._inner(scope["path"])
            scope = {**scope, "path": inner, "raw_path": inner.encode()}
        await self._app(scope, receive, send)

    def _inner(self, path: str) -> str:
        if path in self._inserted:
            return self._inserted[path]
        if path == self._path:
            return "/"
        rest = path.removeprefix(self._path)
        is_kept = rest != path and rest.startswith("/") and rest.split("/", 2)[1] in self._rooms
        return rest if is_kept else path
