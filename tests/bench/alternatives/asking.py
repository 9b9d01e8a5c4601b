"""What every server is asked, in the form of OAuth 2.0, and the check that its answers are what they look like."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import cycle
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet
from msgspec import UNSET, Struct, UnsetType, json

from tests.bench.load import Exchange, closed_loop
from tests.bench.machine import Failed, Server
from tests.bench.peers import FORM, JSON, post

SCOPE = "api:public"
TOKENS, REGISTRATIONS, INTROSPECTIONS = QUESTIONS = ("tokens", "registrations", "introspections")
KNOWN_TOKENS = 500
Credentials = tuple[str, str]
Asking = Callable[[], Exchange]


class Token(Struct, frozen=True):
    access_token: str


class Active(Struct, frozen=True):
    active: bool
    scope: str | UnsetType = UNSET


class Alternative(Struct, frozen=True, kw_only=True):
    """A running server in one of its settings, and the questions that it answers, by their names in QUESTIONS."""

    name: str
    server: Server
    settings: Sequence[str]
    questions: Mapping[str, Asking]
    elsewhere: Mapping[str, Server] = {}
    """Other ports of the program, by question."""
    keys: str | None = None
    """The path of its JWK set, where its tokens are JWTs."""
    goals: Mapping[str, float] = {}
    """How many times as fast Muniment should be, by question."""
    warm_seconds: float = 5.0

    def asked_at(self, question: str) -> Server:
        return self.elsewhere.get(question, self.server)


def tokens(path: str, clients: Iterable[Credentials], *, scope: str = SCOPE, **more: str) -> Exchange:
    """client_credentials with client_secret_post, each client in turn."""
    asked = [
        {"grant_type": "client_credentials", "scope": scope, **more, "client_id": name, "client_secret": secret}
        for name, secret in clients
    ]
    return Exchange(cycle([_form(path, each) for each in asked]), 200, _token)


def introspections(path: str, known: Sequence[str], *headers: str, **more: str) -> Exchange:
    """Of these tokens in turn; `more` authenticates in the form, `headers` in others ways."""
    return Exchange(cycle([_form(path, {"token": each, **more}, *headers) for each in known]), 200, _active)


def registrations(path: str, bodies: Iterable[object], *headers: str, status: int = 201) -> Exchange:
    return Exchange((post(path, JSON, json.encode(body), *headers) for body in bodies), status, _answered)


def answers(server: Server, exchange: Exchange, count: int, *, status: int = 200) -> list[bytes]:
    """The bodies of the first answers, in no order."""
    bodies: list[bytes] = []
    requests = iter([request for request in (exchange.next() for _ in range(count)) if request])
    closed_loop(server, Exchange(requests, status, _answered, keep=bodies), seconds=120)
    return bodies


def issued(server: Server, exchange: Exchange, count: int = KNOWN_TOKENS) -> list[str]:
    return [json.decode(body, type=Token).access_token for body in answers(server, exchange, count)]


def check(each: Alternative) -> None:
    """Raises Failed unless a JWT verifies by the server's own keys and has the scope, and a token is active. (The rounds check the rest.)"""
    (token,) = issued(each.server, each.questions[TOKENS](), 1)
    if each.keys is None:
        return
    host, port = each.server.address
    keys = KeySet.import_key_set(httpx.get(f"http://{host}:{port}{each.keys}").raise_for_status().json())
    decoded = jwt.decode(token, keys, algorithms=["ES256", "RS256"])
    scopes = decoded.claims.get("scope") or decoded.claims["scp"]
    if decoded.header["alg"] != "ES256" or SCOPE not in scopes:
        raise Failed(f"{each.name}: {decoded.header} {decoded.claims}")


def _form(path: str, form: Mapping[str, str], *headers: str) -> bytes:
    return post(path, FORM, urlencode(form).encode(), *headers)


def _token(body: bytes) -> None:
    if not json.decode(body, type=Token).access_token:
        raise Failed(f"no token: {body.decode()}")


def _active(body: bytes) -> None:
    found = json.decode(body, type=Active)
    if not found.active or (found.scope is not UNSET and SCOPE not in found.scope.split()):
        raise Failed(f"a live token was said to be inactive, or without its scope: {body.decode()}")


def _answered(body: bytes) -> None:
    """The status says that the client is registered; some answer with its place alone."""
    if body:
        json.decode(body)
