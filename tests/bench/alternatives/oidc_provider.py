"""npm's oidc-provider: in memory by its own adapter, and on Postgres by an adapter of one table, as its documentation shows."""

from collections.abc import Generator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

from msgspec import Struct, json

from tests.bench.alternatives import asking
from tests.bench.alternatives.asking import INTROSPECTIONS, REGISTRATIONS, SCOPE, TOKENS, Alternative, Credentials
from tests.bench.alternatives.building import Say, built, tool
from tests.bench.alternatives.site import Site
from tests.bench.machine import Server
from tests.bench.peers import CLIENTS

NAME = "oidc-provider 9.13.3"
BEARER = "an-initial-access-token"
OPAQUE = "urn:example:opaque"
CLIENT = {"client_name": "Salesforce Production Integration", "scope": SCOPE}
BY_DEFAULT = {"client_name": "with a registration access token", "scope": SCOPE}
SETTINGS = ("NODE_ENV=production", "client_secret_post", "ES256")
IN_MEMORY = {TOKENS: 1.6, REGISTRATIONS: 1.3, INTROSPECTIONS: 1.0}
ON_POSTGRES = {TOKENS: 1.7, REGISTRATIONS: 1.7, INTROSPECTIONS: 2.6}


class Registered(Struct, frozen=True):
    client_id: str
    client_secret: str


@contextmanager
def in_memory(site: Site) -> Generator[list[Alternative]]:
    clients = [(f"client-{number}", f"{number:043}") for number in range(CLIENTS)]
    known = [{**CLIENT, "client_id": name, "client_secret": secret} for name, secret in clients]
    with _running(site, CLIENTS=json.encode(known).decode()) as server:
        how = "clients of the configuration, the built-in adapter (it keeps the newest 1,000 entries)"
        yield _both(server, clients, "in memory", how, IN_MEMORY)


@contextmanager
def on_postgres(site: Site) -> Generator[list[Alternative]]:
    with _running(site, DATABASE_URL=site.database("oidc_provider").url) as server:
        made = asking.answers(server, _registrations(), CLIENTS, status=201)
        clients = [(each.client_id, each.client_secret) for each in (json.decode(one, type=Registered) for one in made)]
        how = "pg 8.23.1, a pool of 16, named statements, one table"
        yield _both(server, clients, "on Postgres", how, ON_POSTGRES)


def _both(
    server: Server, clients: list[Credentials], where: str, how: str, goals: dict[str, float]
) -> list[Alternative]:
    """Its JWTs and its opaque tokens. Only opaque ones can be introspected."""

    def opaque() -> Any:
        return asking.tokens("/token", clients, resource=OPAQUE)

    name, secret = clients[0]

    def introspections() -> Any:
        known = asking.issued(server, opaque())
        return asking.introspections("/token/introspection", known, client_id=name, client_secret=secret)

    return [
        Alternative(
            name=f"{NAME}, {where}, JWT",
            server=server,
            settings=(*SETTINGS, how, "registers without registration access tokens"),
            questions={TOKENS: lambda: asking.tokens("/token", clients), REGISTRATIONS: _registrations},
            keys="/jwks",
            goals=goals,
        ),
        Alternative(
            name=f"{NAME}, {where}, opaque",
            server=server,
            settings=(
                *SETTINGS,
                how,
                "registers with registration access tokens, as by default",
                "only its opaque tokens can be introspected",
            ),
            questions={
                TOKENS: opaque,
                REGISTRATIONS: lambda: _registrations(BY_DEFAULT),
                INTROSPECTIONS: introspections,
            },
            goals={question: goal for question, goal in goals.items() if question != TOKENS},
        ),
    ]


def _registrations(client: dict[str, str] = CLIENT) -> Any:
    return asking.registrations("/reg", repeat(client), f"Authorization: Bearer {BEARER}")


def _built(say: Say) -> Path:
    npm = tool("npm")
    return built("oidc-provider", [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], say=say)


@contextmanager
def _running(site: Site, **settings: str) -> Generator[Server]:
    node, place = tool("node"), _built(site.say)
    more = {"NODE_ENV": "production", "INITIAL_ACCESS_TOKEN": BEARER, **settings}
    with site.running([node, place / "server.mjs", "{port}"], more) as server:
        yield server
