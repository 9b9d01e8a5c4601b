"""muniment status: an installation on one screen, for people and for a monitor."""

import http.client
import os
import ssl
import textwrap
from collections.abc import Sequence
from contextlib import closing
from urllib.parse import urlsplit

import typer
from msgspec import DecodeError, Struct, json

from service.cli import installation
from service.cli.installation import Installation
from service.cli.opening import ask_at, plainly, run, url_of
from service.cli.output import document, lines, moment
from service.cli.reach import UNREACHABLE, Obstacle, reached, usable_schema
from service.configuration.settings import Settings, read_settings
from service.values.text import counted

PATIENCE_SECONDS = 8.0
"""A service whose database does not answer says so after six seconds."""

VALUE_WIDTH = 80 - len("projections  ")
"""What is left of a line for a value."""

READY = "/health/ready"
MOST_BYTES = 65_536


class Readiness(Struct, frozen=True):
    """What /health/ready answers. Its status is "ready" or "not ready"."""

    status: str
    version: str | None = None
    why: str | None = None


class Service(Struct, frozen=True, kw_only=True):
    """`why` says why it is not ready."""

    url: str
    ready: bool
    version: str | None
    why: str | None


class Status(Struct, frozen=True, kw_only=True):
    """`ok` is whether the service is ready and the database can be used. If it cannot, `why` says why, and `installation` is null."""

    ok: bool
    issuer: str
    service: Service
    installation: Installation | None
    why: str | None


def status(url: str | None, *, as_json: bool) -> None:
    with plainly():
        settings = read_settings(os.environ, needs_key=False)
    told = _status(settings, url or settings.issuer)
    if as_json:
        document(told)
    else:
        lines(_facts(told))
    if not told.ok:
        raise typer.Exit(1)


def _status(settings: Settings, url: str) -> Status:
    service = _service(url)
    with reached(settings) as way:
        found, why = None, way.obstacle and way.obstacle.says
        if way.settings is not None:
            try:
                found = _installation(way.settings)
            except Obstacle as obstacle:
                why = obstacle.says
            except UNREACHABLE as fault:
                why = f"The database cannot be used: {fault or 'it does not answer'}"
    return Status(
        ok=service.ready and why is None, issuer=settings.issuer, service=service, installation=found, why=why
    )


def _installation(settings: Settings) -> Installation:
    """Raises Obstacle, and what is in UNREACHABLE."""
    url = url_of(settings)
    schema = run(usable_schema(url))
    return ask_at(url, lambda connection: installation.read(connection, schema, settings.quorum))


def _service(url: str) -> Service:
    try:
        status, body = _answer(url)
    except (OSError, http.client.HTTPException) as fault:
        return Service(url=url, ready=False, version=None, why=str(fault) or type(fault).__name__)
    except ValueError as fault:  # of the URL's port or brackets, or of a host or path that cannot be encoded
        return Service(url=url, ready=False, version=None, why=f"that is not a usable URL: {fault}")
    return read(url, status, body)


def _answer(url: str) -> tuple[int, bytes]:
    """Raises OSError, HTTPException, and ValueError for what is not a URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it does not begin with http:// or https:// and a host")
    with closing(_connection(parts.scheme, parts.hostname, parts.port)) as connection:
        connection.request("GET", f"{parts.path}{READY}")
        answer = connection.getresponse()
        return answer.status, answer.read(MOST_BYTES)


def read(url: str, status: int, body: bytes) -> Service:
    try:
        said = json.decode(body, type=Readiness)
    except (DecodeError, UnicodeDecodeError):
        said = None
    if said is None or said.status not in ("ready", "not ready"):
        return Service(url=url, ready=False, version=None, why="what answers there is not Muniment")
    ready = status == http.client.OK and said.status == "ready"
    return Service(url=url, ready=ready, version=said.version, why=None if ready else said.why or f"status {status}")


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()  # reads SSL_CERT_FILE and SSL_CERT_DIR
        return http.client.HTTPSConnection(host, port, timeout=PATIENCE_SECONDS, context=context)
    return http.client.HTTPConnection(host, port, timeout=PATIENCE_SECONDS)


def _facts(told: Status) -> list[tuple[str, str]]:
    service, found = told.service, told.installation
    known = f", version {service.version}" if service.version else ""
    state = f"ready at {service.url}{known}" if service.ready else f"NOT ready at {service.url}: {service.why}"
    facts = [("service", state), ("issuer", told.issuer)]
    if found is None:
        return [*facts, ("database", f"NOT usable: {told.why}")]
    return [
        *facts,
        ("workers", "unknown: this login may not see their sessions" if found.workers is None else str(found.workers)),
        *_database(found),
        *_logs(found),
        *_keys(found),
    ]


def _database(found: Installation) -> list[tuple[str, str]]:
    database, tokens, projections = found.database, found.tokens, found.projections
    behind = f"at most {projections.lag:,} behind ({projections.furthest})" if projections.furthest else "none behind"
    size = f"{database.bytes / 2**20:,.0f} MB"
    return [
        ("database", f"{database.name}, schema {database.schema}, {size}, Postgres {database.postgres}"),
        ("tokens", f"{tokens.minute:,} in a minute, {tokens.hour:,} in an hour, {tokens.day:,} in a day"),
        ("projections", f"{projections.tables}, {behind}"),
        *_named("  STOPPED", "", projections.failed),
        *_named("  DIFFERENT", "from the log: ", projections.differing),
    ]


def _named(fact: str, how: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """As many lines as the names need, none if there is none."""
    told = textwrap.wrap(f"{how}{', '.join(names)}", VALUE_WIDTH, break_long_words=False) if names else []
    return [(fact if number == 0 else "", line) for number, line in enumerate(told)]


def _logs(found: Installation) -> list[tuple[str, str]]:
    """A chain value has 64 digits, so that it has a line of its own."""
    facts: list[tuple[str, str]] = []
    for head in found.logs:
        at = f"position {head.position:,} at {moment(head.recorded_at)}" if head.position else "empty"
        facts += [(head.log, at), ("  chain", head.chain)]
    for each in found.checkpoints:
        quorum = {None: "", True: ", which is a quorum", False: ", NO quorum"}[each.has_quorum]
        cosigned = f", {counted(each.cosignatures, 'cosignature')}{quorum}" if each.cosignatures or quorum else ""
        facts.append(("checkpoint", f"{each.log} {each.size:,} at {moment(each.made_at)}{cosigned}"))
    return facts


def _keys(found: Installation) -> list[tuple[str, str]]:
    """A kid has 43 characters."""
    return [("key", f"{key.kid} {key.alg} {key.state} {counted(key.days, 'day')}") for key in found.keys]
