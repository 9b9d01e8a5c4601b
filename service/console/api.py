"""The management API, asked by a page: in this process, by the ASGI application that answers programs, too."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any, TypeGuard, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from msgspec import Struct, UnsetType, json
from starlette.responses import Response
from starlette.types import Scope

from service.callers import Caller
from service.endpoints.authentication import CALLER
from service.endpoints.management import COUNTED, TAKES
from service.endpoints.responses import Found
from service.pages.errors import BadForm
from service.problems import Body

Shape = TypeVar("Shape")
Query = Mapping[str, str | None]

CLIENTS, BOTS, USERS = "/api/v1/auth/clients", "/api/v1/auth/bots", "/api/v1/auth/users"
APIS = "/api/v1/auth/apis"
EVENTS = "/api/v1/audit/events"

_next = re.compile(r'<([^>]*)>; rel="next"').search
_previous = re.compile(r'<([^>]*)>; rel="prev"').search


class Refused(Exception):
    """The API refused the request. `problem` says why; it is for the person who asked."""

    def __init__(self, problem: Body, headers: Mapping[str, str]) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.headers = headers

    @property
    def errors(self) -> Mapping[str, list[str]]:
        return {} if isinstance(self.problem.errors, UnsetType) else self.problem.errors


class Answer(Struct, frozen=True, kw_only=True):
    """A response of the API. Header names are in lower case. `content` is what the body was made of, if that is known."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    content: object = None

    def of(self, shape: type[Shape]) -> Shape:
        return self.content if _is_of(self.content, shape) else json.decode(self.body, type=shape)

    @property
    def etag(self) -> str:
        return self.headers.get("etag", "")

    @property
    def following(self) -> Mapping[str, str] | None:
        """The query of the next page of a list, if there is one."""
        return _query_of(_next(self.headers.get("link", "")))

    @property
    def previous(self) -> Mapping[str, str] | None:
        """The query of the page before, of lists that have one."""
        return _query_of(_previous(self.headers.get("link", "")))


class Api:
    """The API, for one request of one caller, whose address is that of the person's browser.

    The rate limit counts a page once, however much it reads; each change is counted.
    """

    def __init__(self, scope: Scope, caller: Caller) -> None:
        self._scope = scope
        self._caller = caller
        self._counted = False

    async def get(self, path: str, /, *, accept: str | None = None, **query: str | None) -> Answer:
        """`accept` is the media type of the answer. Raises Refused."""
        headers = {} if accept is None else {"accept": accept}
        return await self._asked("GET", path, query, headers, b"")

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        /,
        *,
        reason: str | None = None,
        if_match: str | None = None,
        key: str | None = None,
    ) -> Answer:
        """A change. `key` is an Idempotency-Key: the same form sent twice gets the first answer again. Raises Refused.

        Both `key` and `if_match` are hidden fields of our own forms, in ASCII. Raises BadForm if they are not.
        """
        if not f"{key}{if_match}".isascii():
            raise BadForm
        headers = {
            "content-type": None if body is None else "application/json",
            "muniment-reason": None if reason is None else quote(reason),
            "if-match": if_match or None,
            "idempotency-key": key or None,
        }
        given = {name: value for name, value in headers.items() if value is not None}
        return await self._asked(method, path, {}, given, b"" if body is None else json.encode(body))

    def opened(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Scope:
        """Return the ASGI scope of a request whose response has no end. The code that runs it may take the caller's scopes from it."""
        return {**self._of("GET", path, query, headers), "extensions": self._scope["extensions"]}

    async def _asked(self, method: str, path: str, query: Query, headers: Mapping[str, str], body: bytes) -> Answer:
        assert path.startswith(("/api/v1/", "/log/")), path
        collected = _Collected()
        given = {name: value for name, value in query.items() if value is not None}
        scope = {**self._of(method, path, given, headers), TAKES: collected.take}
        application = self._scope["app"]
        found = application.busy.find(scope) or application.router
        await found(scope, _received(body), collected.send)
        answer = collected.answer()
        if answer.status >= 400:
            raise Refused(answer.of(Body), answer.headers)
        return answer

    def _of(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Scope:
        counted, self._counted = self._counted and method == "GET", True
        passed = {name: self._scope[name] for name in ("asgi", "http_version", "scheme", "client", "server", "app")}
        return {
            **passed,
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": quote(path).encode(),
            "root_path": "",
            "query_string": urlencode(query).encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
            "state": self._scope.get("state", {}),
            CALLER: self._caller,
            COUNTED: counted,
        }


def _is_of(content: object, shape: type[Shape]) -> TypeGuard[Shape]:
    """Return whether this is a struct of the shape, or a list of such structs: decoded, its JSON would be the same once more."""
    if get_origin(shape) is not list:
        return type(content) is shape and issubclass(shape, Struct)
    (item,) = get_args(shape)
    items: Any = content
    return isinstance(content, list) and {type(each) for each in items} == {item} and issubclass(item, Struct)


class _Collected:
    """What the application sends, or hands over."""

    def __init__(self) -> None:
        self._status = 500
        self._headers: dict[str, str] = {}
        self._body = b""
        self._content: object = None

    def take(self, response: Response, headers: Mapping[str, str]) -> None:
        further = {name.lower(): value for name, value in headers.items()}
        self._status, self._headers, self._body = (
            response.status_code,
            {**response.headers, **further},
            bytes(response.body),
        )
        self._content = response.content if isinstance(response, Found) else None

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        else:
            self._body += message.get("body", b"")

    def answer(self) -> Answer:
        return Answer(status=self._status, headers=self._headers, body=self._body, content=self._content)


def _received(body: bytes) -> Any:
    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _query_of(found: re.Match[str] | None) -> Mapping[str, str] | None:
    return None if found is None else dict(parse_qsl(urlsplit(found[1]).query))
