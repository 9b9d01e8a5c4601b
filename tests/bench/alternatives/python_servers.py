"""The servers that are written in Python: Authlib with Flask and SQLAlchemy, and django-oauth-toolkit, each under gunicorn on Postgres."""

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, run
from typing import Any

import httpx
from msgspec import Struct, json

from tests.bench.alternatives import asking
from tests.bench.alternatives.asking import INTROSPECTIONS, REGISTRATIONS, SCOPE, TOKENS, Alternative, Asking
from tests.bench.alternatives.building import Say, built
from tests.bench.alternatives.site import Site
from tests.bench.machine import Failed, Server, environment
from tests.bench.peers import CLIENTS

AUTHLIB, TOOLKIT = "Authlib 1.9.9, Flask, SQLAlchemy", "django-oauth-toolkit 3.4.1"
GUNICORN = ("--worker-class=gthread", "--workers=1", "--threads=4", "--keep-alive=75", "--timeout=300")
CONNECTIONS = "4"
BEARER = "an-initial-access-token"
SLOW_CLIENTS = 16
"""Each takes a good part of a second where secrets are hashed as passwords are."""

CLIENT = {
    "client_name": "Salesforce Production Integration",
    "scope": SCOPE,
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "client_secret_post",
}


class Registered(Struct, frozen=True):
    client_id: str
    client_secret: str


@contextmanager
def authlib_flask(site: Site) -> Generator[list[Alternative]]:
    place = _built("authlib-flask", site.say)
    settings = {"DATABASE_URL": site.database("authlib_flask").url}
    with _running(site, place, "server:app", settings) as server:
        yield [_alternative(server, AUTHLIB, ("/token", "/introspect", "/register"), how="plain secrets")]


@contextmanager
def toolkit_one_round(site: Site) -> Generator[list[Alternative]]:
    with _toolkit(site, "toolkit", "one round") as server:
        yield [_of_toolkit(server, "PBKDF2 of one round", CLIENTS)]


@contextmanager
def toolkit_as_installed(site: Site) -> Generator[list[Alternative]]:
    with _toolkit(site, "toolkit_as_installed", "as installed") as server:
        yield [_of_toolkit(server, "its default PBKDF2", SLOW_CLIENTS)]


@contextmanager
def _toolkit(site: Site, database: str, hasher: str) -> Generator[Server]:
    place = _built("django", site.say)
    settings = {"DATABASE_URL": site.database(database).url, "HASHER": hasher}
    migrated = run(
        [place / "venv/bin/python", "server.py"],
        cwd=place,
        env=environment(CONNECTIONS=CONNECTIONS, **settings),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        check=False,
    )
    if migrated.returncode != 0:
        raise Failed(f"Django's migrations: {migrated.stdout.decode(errors='replace')[-1000:]}")
    with _running(site, place, "server:application", settings) as server:
        yield server


def _of_toolkit(server: Server, hashing: str, count: int) -> Alternative:
    paths = ("/o/token/", "/o/introspect/", "/o/register/")
    name = f"{TOOLKIT}, {hashing}"
    return _alternative(server, name, paths, how=hashing, count=count, introspects=count == CLIENTS)


def _alternative(
    server: Server,
    name: str,
    paths: tuple[str, str, str],
    *,
    how: str,
    count: int = CLIENTS,
    introspects: bool = True,
) -> Alternative:
    token, introspect, register = paths

    def registrations() -> Any:
        return asking.registrations(register, repeat(CLIENT), f"Authorization: Bearer {BEARER}")

    made = asking.answers(server, registrations(), count, status=201)
    clients = [(each.client_id, each.client_secret) for each in (json.decode(one, type=Registered) for one in made)]

    def tokens() -> Any:
        return asking.tokens(token, clients)

    questions: dict[str, Asking] = {TOKENS: tokens, REGISTRATIONS: registrations}
    if introspects:
        known, basic = asking.issued(server, tokens()), httpx.BasicAuth(*clients[0])
        (header,) = {next(basic.auth_flow(httpx.Request("POST", "http://localhost"))).headers["Authorization"]}
        questions[INTROSPECTIONS] = lambda: asking.introspections(introspect, known, f"Authorization: {header}")
    settings = (f"gunicorn {' '.join(GUNICORN)}", f"{CONNECTIONS} connections", "opaque tokens", how)
    return Alternative(name=name, server=server, settings=settings, questions=questions)


@contextmanager
def _running(site: Site, place: Path, app: str, settings: Mapping[str, str]) -> Generator[Server]:
    gunicorn = [place / "venv/bin/gunicorn", "--no-control-socket", "--chdir", place, *GUNICORN]
    given = {"INITIAL_ACCESS_TOKEN": BEARER, "CONNECTIONS": CONNECTIONS, **settings}
    with site.running([*gunicorn, "--bind", "127.0.0.1:{port}", app], given) as server:
        host, port = server.address
        httpx.get(f"http://{host}:{port}/", timeout=60)  # gunicorn listens before its workers are there
        yield server


def _built(name: str, say: Say) -> Path:
    install = ["venv/bin/python", "-m", "pip", "install", "--require-hashes", "-r", "requirements.txt"]
    return built(name, [sys.executable, "-m", "venv", "venv"], install, say=say, keep=sys.version)
