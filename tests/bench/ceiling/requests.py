"""A request as the work sees it, bounded as the service bounds it, and its answer."""

from collections.abc import Mapping
from urllib.parse import unquote_plus

from msgspec import Struct

MOST_HEAD = MOST_BODY = 64 * 1024
MOST_PARAMETERS = 50
FORM = b"application/x-www-form-urlencoded"
Headers = Mapping[bytes, bytes]


class Refused(Exception):
    """With this status, and no text: the programs refuse nothing that is measured."""

    def __init__(self, status: int) -> None:
        self.status = status


class Asked(Struct, frozen=True):
    path: str
    headers: Headers
    query: bytes
    body: bytes


class Head:
    """The headers that an answer always has: as Starlette takes them, and as ASGI does."""

    def __init__(self, **headers: str) -> None:
        self.text = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        self.raw = [(name.encode(), value.encode()) for name, value in self.text.items()]


JSON = Head(content_type="application/json", cache_control="no-store")
TOKENS = Head(content_type="application/json", cache_control="no-store", pragma="no-cache")
NOTHING = Head(cache_control="no-store")
HTML = Head(content_type="text/html; charset=utf-8", cache_control="no-store")


class Answer(Struct, frozen=True):
    body: bytes
    status: int = 200
    head: Head = JSON
    location: str | None = None


def head_of(headers: list[tuple[bytes, bytes]]) -> Headers:
    """Raises Refused when they are more than the bound, or announce such a body."""
    if sum([len(name) + len(value) + 4 for name, value in headers]) > MOST_HEAD:
        raise Refused(431)
    given = dict(headers)
    if int(given.get(b"content-length", b"0")) > MOST_BODY:
        raise Refused(413)
    return given


def longer(body: bytes, part: bytes) -> bytes:
    """Raises Refused before more than the bound is in memory."""
    if len(body) + len(part) > MOST_BODY:
        raise Refused(413)
    return body + part


def form_of(asked: Asked) -> dict[str, str]:
    """Raises Refused when the body is no form, or one that two readers may read differently."""
    if not asked.headers.get(b"content-type", b"").startswith(FORM):
        raise Refused(400)
    return pairs_of(asked.body)


def pairs_of(said: bytes) -> dict[str, str]:
    if said.count(b"&") >= MOST_PARAMETERS:
        raise Refused(400)
    form: dict[str, str] = {}
    for pair in said.decode().split("&"):
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = unquote_plus(name), unquote_plus(value)
        if name in form:
            raise Refused(400)
        form[name] = value
    return form


def cookie_of(asked: Asked, name: str) -> str:
    """Raises Refused without it."""
    for each in asked.headers.get(b"cookie", b"").decode().split("; "):
        if each.startswith(f"{name}="):
            return each[len(name) + 1 :]
    raise Refused(401)


def bearer_of(asked: Asked) -> str:
    """Raises Refused without one."""
    given = asked.headers.get(b"authorization", b"").decode()
    if not given.startswith("Bearer "):
        raise Refused(401)
    return given[7:]
