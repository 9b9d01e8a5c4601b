"""People who are signed in to a program and have consented, and what they and their applications ask of it."""

import base64
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import cached_property
from hashlib import sha256
from itertools import chain, cycle, islice, repeat
from urllib.parse import parse_qs, urlencode, urlsplit

from msgspec import Struct, json

from tests.bench.load import Exchange, closed_loop
from tests.bench.machine import Failed, Server
from tests.bench.peers import FORM, TOKEN, post

CALLBACK = "https://app.example.com/cb"
LOGIN, OFFLINE = "openid profile email", "openid profile email offline_access"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
A_ROUND = 1200
"""How many codes are made before a round that redeems them: each is good once and for a minute. The round ends with them."""

A_GROUP, CODES_OF_EACH = 500, 20
"""So many sessions get so many codes each, in turn, before those of the next group do."""

KEPT_FRESH = 1000
"""How many refresh tokens are there at a time. An exchange gives the next one of the same authorization."""


class Tokens(Struct, frozen=True):
    access_token: str
    id_token: str = ""
    refresh_token: str = ""


class Asking(Exchange):
    """Its answers are handed on whole."""

    def __init__(
        self,
        requests: Iterator[bytes],
        status: int,
        read: Callable[[bytes], object],
        then: Callable[[bytes, bytes], None],
    ) -> None:
        super().__init__(requests, status, read)
        self._then = then

    def took(self, head: bytes, body: bytes) -> bool:
        done = super().took(head, body)
        self._then(head, body)
        return done


def _in_groups(cookies: Sequence[str]) -> Iterator[str]:
    """Some sessions again and again, then others: one may get 60 codes in a minute (service/resources.py), and a fast machine makes more."""
    groups = [cookies[first : first + A_GROUP] for first in range(0, len(cookies), A_GROUP)]
    return chain.from_iterable(chain.from_iterable(repeat(group, CODES_OF_EACH)) for group in cycle(groups))


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*", *headers, "", "")).encode()


class Crowd:
    """`cookies` are those of sessions, `staff` the one of an operator at the console; `past` is a client as of a position.

    The ID tokens of `client` are signed by RS256, the default; `by_es256` is the same crowd at a client whose are by ES256.
    """

    def __init__(
        self,
        server: Server,
        *,
        client: tuple[str, str],
        es256_client: tuple[str, str],
        cookies: Sequence[str],
        staff: str,
        bearer: str,
        past: str,
    ) -> None:
        self._server = server
        self._client, self._es256_client = client, es256_client
        self._cookies = _in_groups(cookies)
        self._staff, self._bearer, self._past = staff, f"Authorization: Bearer {bearer}", past
        self._access: deque[str] = deque(maxlen=KEPT_FRESH)
        self._refresh: deque[str] = deque()

    @cached_property
    def by_es256(self) -> "Crowd":
        crowd = copy(self)
        crowd._client, crowd._refresh = self._es256_client, deque()
        return crowd

    def authorizations(self, scope: str = LOGIN) -> Exchange:
        return Asking(self._authorizations(scope), 303, len, _has_code)

    def exchanges(self) -> Exchange:
        """Of codes that were made just now."""
        made = [self._redemption(code) for code in self._codes(A_ROUND, LOGIN)]
        return Asking(iter(made), 200, _signed, self._know)

    def refreshes(self) -> Exchange:
        if not self._refresh:
            requests = (self._redemption(code) for code in self._codes(KEPT_FRESH, OFFLINE))
            closed_loop(self._server, Asking(requests, 200, _signed, self._keep), seconds=60)
        return Asking(self._refreshes(), 200, _signed, self._keep)

    def userinfos(self) -> Exchange:
        """By tokens that the program has seen before."""
        if not self._access:
            closed_loop(self._server, self.exchanges(), seconds=60)
        asked = [get("/openid/userinfo", f"Authorization: Bearer {token}") for token in islice(self._access, 200)]
        return Exchange(cycle(asked), 200, json.Decoder(dict[str, object]).decode)

    def past_reads(self) -> Exchange:
        return Exchange(cycle([get(self._past, self._bearer)]), 200, json.Decoder(dict[str, object]).decode)

    def audit_pages(self) -> Exchange:
        return Exchange(cycle([get("/api/v1/audit/events?limit=100", self._bearer)]), 200, _hundred)

    def console_lists(self) -> Exchange:
        return Exchange(cycle([get("/console/clients", self._staff)]), 200, _page)

    def _authorizations(self, scope: str) -> Iterator[bytes]:
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._client[0],
                "redirect_uri": CALLBACK,
                "scope": scope,
                "state": "st-1",
                "code_challenge": CHALLENGE,
                "code_challenge_method": "S256",
            }
        )
        while True:
            yield get(f"/openid/authorize?{query}", next(self._cookies))

    def _codes(self, count: int, scope: str) -> list[str]:
        codes: list[str] = []
        asked = Asking(islice(self._authorizations(scope), count), 303, len, lambda head, _: codes.append(_code(head)))
        closed_loop(self._server, asked, seconds=60)
        return codes

    def _redemption(self, code: str) -> bytes:
        more = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self._token_request({"grant_type": "authorization_code", **more})

    def _refreshes(self) -> Iterator[bytes]:
        while self._refresh:
            yield self._token_request({"grant_type": "refresh_token", "refresh_token": self._refresh.popleft()})

    def _token_request(self, form: dict[str, str]) -> bytes:
        client_id, secret = self._client
        return post(TOKEN, FORM, urlencode({**form, "client_id": client_id, "client_secret": secret}).encode())

    def _know(self, _head: bytes, body: bytes) -> None:
        self._access.append(json.decode(body, type=Tokens).access_token)

    def _keep(self, _head: bytes, body: bytes) -> None:
        self._refresh.append(json.decode(body, type=Tokens).refresh_token)


def _has_code(head: bytes, _body: bytes) -> None:
    """Raises Failed when the browser is sent back with an error, or to sign in."""
    if b"?code=" not in head:
        raise Failed(f"no code: {head.decode()}")


def _code(head: bytes) -> str:
    _has_code(head, b"")
    lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return parse_qs(urlsplit({name.lower(): value for name, value in lines.items()}["location"]).query)["code"][0]


def _signed(body: bytes) -> None:
    tokens = json.decode(body, type=Tokens)
    if (tokens.access_token.count("."), tokens.id_token.count(".")) != (2, 2):
        raise Failed(f"not an access token and an ID token: {body.decode()}")


def _hundred(body: bytes) -> None:
    if len(json.decode(body, type=list[dict[str, object]])) != 100:
        raise Failed("this is not a page of 100 events")


def _page(body: bytes) -> None:
    if body.count(b"/console/clients/") < 50:
        raise Failed("this is not a page of 50 clients")
