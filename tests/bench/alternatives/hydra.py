"""Ory Hydra on Postgres: secrets hashed as it does by default and by one round, access tokens as JWTs and opaque."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, run
from typing import Any

import httpx
from msgspec import Struct, json

from tests.bench.alternatives import asking
from tests.bench.alternatives.asking import (
    INTROSPECTIONS,
    REGISTRATIONS,
    SCOPE,
    TOKENS,
    Alternative,
    Asking,
    Credentials,
)
from tests.bench.alternatives.building import built, tool
from tests.bench.alternatives.site import Site
from tests.bench.machine import Failed, Server, free_port

NAME = "Ory Hydra 2.3.0"
POOL = "sslmode=disable&max_conns=40&max_idle_conns=40"
TOKEN, INTROSPECT, CLIENTS = "/oauth2/token", "/admin/oauth2/introspect", "/admin/clients"
KNOWN_CLIENTS = 50
SETTINGS = (f"DSN with {POOL}", "GOMAXPROCS=1", "LOG_LEVEL=error", "client_secret_post")
ONE_ROUND = {"OAUTH2_HASHERS_ALGORITHM": "pbkdf2", "OAUTH2_HASHERS_PBKDF2_ITERATIONS": "1"}
BEST, AS_INSTALLED = {TOKENS: 4.5}, {TOKENS: 30.0}
KEY = {"alg": "ES256", "use": "sig", "kid": "es256"}


class Registered(Struct, frozen=True):
    client_id: str
    client_secret: str


@contextmanager
def one_round(site: Site) -> Generator[list[Alternative]]:
    with _running(site, "hydra", **ONE_ROUND) as (public, admin):
        yield [
            _alternative(public, admin, kind, hashing="PBKDF2 of one round", introspects=True, goals=goals)
            for kind, goals in (("opaque", BEST), ("jwt", {}))
        ]


@contextmanager
def as_installed(site: Site) -> Generator[list[Alternative]]:
    """How secrets are hashed changes neither introspections nor what a token is."""
    with _running(site, "hydra_as_installed") as (public, admin):
        yield [
            _alternative(public, admin, kind, hashing="its default PBKDF2", introspects=False, goals=AS_INSTALLED)
            for kind in ("opaque", "jwt")
        ]


def _alternative(
    public: Server, admin: Server, kind: str, *, hashing: str, introspects: bool, goals: dict[str, float]
) -> Alternative:
    body = {
        "client_name": "Salesforce Production Integration",
        "grant_types": ["client_credentials"],
        "scope": SCOPE,
        "token_endpoint_auth_method": "client_secret_post",
        "access_token_strategy": kind,
    }

    def registrations() -> Any:
        return asking.registrations(CLIENTS, repeat(body))

    made = asking.answers(admin, registrations(), KNOWN_CLIENTS, status=201)
    clients: list[Credentials] = [
        (each.client_id, each.client_secret) for each in (json.decode(one, type=Registered) for one in made)
    ]
    tokens = partial(asking.tokens, TOKEN, clients)
    questions: dict[str, Asking] = {REGISTRATIONS: registrations}
    if introspects:
        known = asking.issued(public, tokens())
        questions[INTROSPECTIONS] = lambda: asking.introspections(INTROSPECT, known)
    return Alternative(
        name=f"{NAME}, {'JWT' if kind == 'jwt' else kind}, {hashing}",
        server=public,
        settings=(*SETTINGS, hashing, "registers and introspects by its admin API"),
        questions={TOKENS: tokens, **questions},
        elsewhere={REGISTRATIONS: admin, INTROSPECTIONS: admin},
        keys="/.well-known/jwks.json" if kind == "jwt" else None,
        goals=goals,
    )


@contextmanager
def _running(site: Site, database: str, **settings: str) -> Generator[tuple[Server, Server]]:
    """Its public and its admin port. The newest key signs, so that an ES256 one is made."""
    place = _built(site)
    dsn = f"{site.database(database).url}?{POOL}"
    _migrate(place, dsn)
    port = free_port()
    given = {
        "DSN": dsn,
        "SECRETS_SYSTEM": "a-secret-of-the-benchmark-alone",
        "SERVE_PUBLIC_HOST": "127.0.0.1",
        "SERVE_PUBLIC_PORT": "{port}",
        "SERVE_ADMIN_HOST": "127.0.0.1",
        "SERVE_ADMIN_PORT": str(port),
        "URLS_SELF_ISSUER": "http://127.0.0.1:{port}",
        "GOMAXPROCS": "1",
        "LOG_LEVEL": "error",
        "SQA_OPT_OUT": "true",
        **settings,
    }
    with site.running([place / "hydra", "serve", "all", "--dev"], given) as public:
        admin = Server(public.process, port)
        httpx.post(f"http://127.0.0.1:{port}/admin/keys/hydra.jwt.access-token", json=KEY).raise_for_status()
        yield public, admin


def _built(site: Site) -> Path:
    go = tool("go")
    package = "github.com/ory/hydra/v2"
    return built("hydra", [go, "build", "-v", "-tags", "sqlite", "-o", "hydra", package], say=site.say)


def _migrate(place: Path, dsn: str) -> None:
    command = [place / "hydra", "migrate", "sql", "up", "--yes", dsn]
    done = run(command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, check=False)
    if done.returncode != 0:
        raise Failed(f"Hydra's migrations: {done.stdout.decode(errors='replace')[-1000:]}")
