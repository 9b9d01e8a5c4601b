"""A hostile request, before it is bytes."""

from collections.abc import Sequence
from urllib.parse import urlencode

from msgspec import Struct

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
Pairs = Sequence[tuple[str, str]]


class Ask(Struct, frozen=True, kw_only=True):
    """`door` is what it is sent to, and `how` what is wrong with it. `before` is the valid request that it repeats."""

    door: str
    how: str
    method: str
    path: str
    headers: Pairs = ()
    body: bytes = b""
    before: "Ask | None" = None

    def wire(self, address: str) -> bytes:
        """The bytes of the request, from somebody at this address."""
        head = [f"{self.method} {self.path} HTTP/1.1", "Host: 127.0.0.1", f"X-Forwarded-For: {address}"]
        head += [f"{name}: {value}" for name, value in self.headers]
        if self.method != "GET":
            head.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join((*head, "", "")).encode("latin-1", "replace") + self.body


def posted(door: str, how: str, path: str, form: Pairs, *, headers: Pairs = (), before: Ask | None = None) -> Ask:
    body = urlencode(form, errors="surrogatepass").encode()
    return Ask(
        door=door,
        how=how,
        method="POST",
        path=path,
        headers=(("Content-Type", FORM), *headers),
        body=body,
        before=before,
    )


def sent_json(door: str, how: str, method: str, path: str, body: bytes, *, headers: Pairs = ()) -> Ask:
    return Ask(door=door, how=how, method=method, path=path, headers=(("Content-Type", JSON), *headers), body=body)
