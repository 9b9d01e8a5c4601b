"""muniment: the command line of operators and auditors. Every command works beside a running service as well as without one.

Each group's module is imported once one of its commands is asked for. A module imports at its top what every use of it needs;
what costs a tenth of a second (uvicorn, Alembic, JOSE, bars and tables) is imported by the one function that needs it, so that
asking for a list of clients stays quick.
"""

import io
import signal
import sys
from typing import Annotated

import typer

from service.cli.fault import Plainly
from service.cli.groups import group

app = typer.Typer(
    name="muniment",
    help="An OAuth 2.0 / OpenID Connect authorization server on an event log that can prove itself.",
    epilog="Settings come from the environment: MUNIMENT_DATA (.muniment) or MUNIMENT_DATABASE_URL, and those that docs/configuration.md lists. "
    "Faults go to stderr, with exit status 1.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
Workers = Annotated[int, typer.Option(min=1, max=64, help="How many processes answer requests.")]
Version = Annotated[bool, typer.Option("--version", help="Say which version this is.", is_eager=True)]


@app.callback(invoke_without_command=True)
def _muniment(version: Version = False) -> None:
    if version:
        from importlib import metadata  # noqa: PLC0415 - with the parser of e-mail, a twentieth of a second

        typer.echo(f"muniment {metadata.version('muniment')}")
        raise typer.Exit


@app.command("serve")
def _serve(workers: Workers = 1) -> None:
    """Run the service, until Ctrl-C.

    Settings come from the environment: PORT (8000), MUNIMENT_DATA (.muniment), MUNIMENT_DATABASE_URL, MUNIMENT_ISSUER and
    those that docs/configuration.md lists. Without MUNIMENT_DATABASE_URL, it starts a Postgres of its own in MUNIMENT_DATA.

    Example: `PORT=8080 muniment serve --workers 2`
    """
    from service.cli import serve  # noqa: PLC0415

    serve.serve(workers)


app.add_typer(group("service.cli.database", "The database's schema."), name="db")
app.add_typer(group("service.cli.operators", "Clients that may manage everybody's clients."), name="operator")
app.add_typer(group("service.cli.clients", "Who may ask for tokens."), name="clients")
app.add_typer(group("service.cli.users", "The people who can sign in."), name="users")
app.add_typer(group("service.cli.log", "What happened: shown, followed, exported, and proved."), name="log")
app.add_typer(group("service.cli.projections", "The tables made of what happened."), name="projections")
app.add_typer(group("service.cli.keys", "The keys that sign tokens, and the master key that wraps them."), name="keys")


def main() -> None:
    """A fault is one sentence on stderr, with exit status 1; a wrong setting never shows a traceback."""
    signal.signal(signal.SIGTERM, _leave)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to stop
    try:
        app()
    except Plainly as fault:
        from service.cli.output import note  # noqa: PLC0415

        note(str(fault))
        sys.exit(1)


def _leave(number: int, _frame: object) -> None:
    """An orderly exit, so that an embedded Postgres that we started is stopped and not orphaned."""
    raise SystemExit(128 + number)
