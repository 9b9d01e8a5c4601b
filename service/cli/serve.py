"""muniment serve: the service itself, with a Postgres of its own unless MUNIMENT_DATABASE_URL names one."""

import os
import socket
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import metadata
from typing import Any

from service import fitness, logs
from service.cli import listening, occupancy
from service.cli.opening import open_database, plainly, right_key, run, url_of
from service.configuration import master_key
from service.configuration.settings import Settings, read_settings

BANNER = """
  Muniment {version} answers on {addresses}

    issuer         {issuer}
    console        {issuer}/console
    API reference  {issuer}/docs
    accounts       {issuer}/account

  Ctrl-C stops it.
"""

RED = "\x1b[31m{}\x1b[0m"

SEVERAL = ("service.vault.private_keys", "service.first_run", "service.cli.first_steps", "service.cli.server")
ONE = (*SEVERAL, "service.app", "service.http.protocol", "uvloop")
"""What a start needs after the database. Of several processes, each loads the program itself."""


def serve(workers: int) -> None:
    """Until Ctrl-C."""
    with plainly():
        asked = read_settings(os.environ)
    if asked.embedded:
        occupancy.check(asked.data)
    # Bind the addresses before anything is created or printed: a client must not send a secret to another process's port.
    sockets, metrics = listening.listening(asked), listening.listening_for_metrics(asked)
    urls = listening.urls(sockets)
    with (
        open_database(needs_key=True, creates=True, meanwhile=ONE if workers == 1 else SEVERAL) as settings,
        _occupied(settings, urls[0]),
        right_key(),
    ):
        from service import first_run  # noqa: PLC0415
        from service.cli import first_steps, server  # noqa: PLC0415

        _check_database(settings)
        operator = run(first_run.prepare(settings))
        if operator is not None:
            _say(first_steps.welcome(operator, settings.data / first_run.FILE))
        _warn_of_plain_http(settings)
        _hand_over(settings)
        logs.set_up(settings.log_level, settings.log_format)
        banner = BANNER.format(version=metadata.version("muniment"), addresses=", ".join(urls), issuer=settings.issuer)
        with _showing(settings, metrics, workers):
            served = server.run(sockets, lambda: _say(banner), workers=workers, **_uvicorn(settings))
        if not served:
            raise SystemExit(3)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _showing(settings: Settings, sockets: list[socket.socket], workers: int) -> AbstractContextManager[None]:
    """Show the metrics on these sockets, if there are any: only then what makes the page is loaded."""
    if not sockets:
        return nullcontext()
    from service.exporter.running import running  # noqa: PLC0415

    return running(settings, sockets, workers=workers)


def _check_database(settings: Settings) -> None:
    """Raises Unfit."""
    url = url_of(settings)
    if not settings.embedded and (warning := run(fitness.check_login(url))):
        sys.stderr.write(f"  {warning}\n\n")
    run(fitness.check_issuer(url, settings.issuer))


@contextmanager
def _occupied(settings: Settings, address: str) -> Generator[None]:
    """(A database of one's own has as many services as one likes.)"""
    if not settings.embedded:
        yield
        return
    with occupancy.occupied(settings.data, address):
        yield


def _warn_of_plain_http(settings: Settings) -> None:
    if settings.insecure_http_hosts:
        named = ", ".join(sorted(settings.insecure_http_hosts))
        warning = (
            f"  INSECURE: MUNIMENT_INSECURE_HTTP_HOSTS lets codes and tokens travel by plain http to {named}."
            " That is for development alone: anybody on the way can read them.\n"
        )
        sys.stderr.write(f"{RED.format(warning) if sys.stderr.isatty() else warning}\n")


def _hand_over(settings: Settings) -> None:
    """Workers are new processes; they read the same settings, completed, from the same place."""
    assert settings.database_url is not None
    assert settings.master_key is not None
    os.environ["MUNIMENT_DATABASE_URL"] = settings.database_url
    os.environ["MUNIMENT_MASTER_KEY"] = master_key.as_text(settings.master_key)


def _uvicorn(settings: Settings) -> dict[str, Any]:
    return {
        "loop": "uvloop",
        "http": "service.http.protocol:BoundedProtocol",
        "ws": "none",
        "access_log": False,  # a stranger may put a secret into a URL
        "log_config": None,
        "log_level": "warning",
        "server_header": False,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies or None,
        "timeout_graceful_shutdown": 10,
        "timeout_keep_alive": settings.keep_alive,
        "backlog": 2048,
    }
