"""muniment serve: the service itself, with a Postgres of its own unless MUNIMENT_DATABASE_URL names one."""

import logging
import os
import socket
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service import fitness, master_key
from service.cli.opening import Plainly, opened, plainly, right_key, run, url_of
from service.settings import Settings, read

if TYPE_CHECKING:
    from service.operators import Operator

WELCOME = """
  This is the first run, so there is an operator: a client that may do everything. Its credentials are shown this once, and kept
  in {file} (readable by you alone).
"""

STEPS = """
    client_id      {client_id}
    client_secret  {client_secret}

  From here to a first token of your own, in another terminal:

  1. A token for the operator:

     TOKEN=$(curl -s {issuer}/openid/token -d grant_type=client_credentials \\
       -d client_id={client_id} \\
       -d client_secret={client_secret} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')

  2. A client for your integration:

     curl -s {issuer}/api/v1/auth/clients -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
       -d '{{"displayName": "Salesforce Production Integration", "m2m": true, "botUserId": "bot-abc123"}}'

  3. Its token, with the clientId and clientSecret of that answer:

     curl -s {issuer}/openid/token -d grant_type=client_credentials -d scope=api:public \\
       -d client_id=... -d client_secret=...

  People log in, too:

  1. A first person (it asks for a password):

     .venv/bin/muniment users create you@example.com

  2. An application for them to log in to:

     curl -s {issuer}/api/v1/auth/clients -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
       -d '{{"displayName": "My Web App", "m2m": false, "redirectUri": "http://localhost:3000/callback"}}'

  3. Point any OpenID Connect library at {issuer} with the clientId and clientSecret of that answer. It opens:

     {issuer}/openid/authorize?response_type=code&client_id=...&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback\
&scope=openid+profile+email&state=...&code_challenge=...&code_challenge_method=S256

     What people allowed, and where they are logged in, is theirs to see and to end at {issuer}/account
"""

Workers = Annotated[int, typer.Option(min=1, max=64, help="How many processes answer requests.")]


def serve(workers: Workers = 1) -> None:
    """Run the service, until Ctrl-C.

    Settings come from the environment: PORT (8000), MUNIMENT_DATA (.muniment), MUNIMENT_DATABASE_URL, MUNIMENT_ISSUER and
    those in the README's table. Without a database of one's own it brings up a Postgres in MUNIMENT_DATA.

    Example: `PORT=8080 muniment serve --workers 2`
    """
    import uvicorn  # noqa: PLC0415

    from service import first_run  # noqa: PLC0415

    check_address()
    with opened(needs_key=True, creates=True) as settings, right_key():
        _check_database(settings)
        operator = run(first_run.prepare(settings))
        if operator is not None:
            typer.echo(WELCOME.format(file=settings.data / first_run.FILE) + first_token(operator))
        typer.echo(
            f"  Muniment answers at {settings.issuer}; the API reference is at {settings.issuer}/docs. Ctrl-C stops it.\n"
        )
        _warn_of_plain_http(settings)
        _hand_over(settings)
        logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
        uvicorn.run("service.app:create", factory=True, workers=workers, **_uvicorn(settings))


def _check_database(settings: Settings) -> None:
    """Raises Unfit."""
    url = url_of(settings)
    if not settings.embedded and (warning := run(fitness.check_login(url))):
        typer.echo(f"  {warning}\n", err=True)
    run(fitness.check_issuer(url, settings.issuer))


def check_address() -> None:
    """Before anything else, and before anybody is told where to send a secret: the address must be ours to take. Raises Plainly."""
    with plainly():
        settings = read(os.environ)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as fault:
        at = f"{settings.host}, port {settings.port}"
        raise Plainly(f"cannot answer on {at}: {fault.strerror}. Choose another: PORT=8001 make serve") from fault


def first_token(operator: "Operator") -> str:
    """The credentials, and the three commands that lead from them to a token."""
    return STEPS.format(client_id=operator.client_id, client_secret=operator.secret.reveal(), issuer=operator.issuer)


def _warn_of_plain_http(settings: Settings) -> None:
    if settings.insecure_http_hosts:
        named = ", ".join(sorted(settings.insecure_http_hosts))
        typer.secho(
            f"  INSECURE: MUNIMENT_INSECURE_HTTP_HOSTS lets codes and tokens travel by plain http to {named}."
            " That is for development alone: anybody on the way can read them.\n",
            err=True,
            fg="red",
        )


def _hand_over(settings: Settings) -> None:
    """Workers are new processes; they read the same settings, completed, from the same place."""
    assert settings.database_url is not None
    assert settings.master_key is not None
    os.environ["MUNIMENT_DATABASE_URL"] = settings.database_url
    os.environ["MUNIMENT_MASTER_KEY"] = master_key.as_text(settings.master_key)


def _uvicorn(settings: Settings) -> dict[str, Any]:
    return {
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",
        "http": "service.protocol:BoundedProtocol",
        "ws": "none",
        "access_log": False,  # a stranger may put a secret into a URL
        "log_config": None,
        "log_level": "warning",
        "server_header": False,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies or None,
        "timeout_graceful_shutdown": 10,
        "backlog": 2048,
    }
