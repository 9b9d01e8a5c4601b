"""muniment: the command line of operators and auditors. Every command works beside a running service as well as without one.

A module imports at its top what every use of it needs; what costs a tenth of a second (uvicorn, Alembic, JOSE, bars and tables)
is imported by the one function that needs it, so that asking for a list of clients stays quick.
"""

import io
import signal
import sys
from importlib import metadata
from typing import Annotated

import typer

from service.cli import clients, database, keys, log, operators, projections, serve, users
from service.cli.opening import Plainly
from service.cli.output import note

app = typer.Typer(
    name="muniment",
    help="An OAuth 2.0 / OpenID Connect authorization server on an event log that can prove itself.",
    epilog="Settings come from the environment: MUNIMENT_DATA (.muniment) or MUNIMENT_DATABASE_URL, and those in the README's table. "
    "What is wrong is said on stderr, with exit status 1.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
Version = Annotated[bool, typer.Option("--version", help="Say which version this is.", is_eager=True)]


@app.callback(invoke_without_command=True)
def _muniment(version: Version = False) -> None:
    if version:
        typer.echo(f"muniment {metadata.version('muniment')}")
        raise typer.Exit


app.command("serve")(serve.serve)
app.add_typer(database.app, name="db")
app.add_typer(operators.app, name="operator")
app.add_typer(clients.app, name="clients")
app.add_typer(users.app, name="users")
app.add_typer(log.app, name="log")
app.add_typer(projections.app, name="projections")
app.add_typer(keys.app, name="keys")


def main() -> None:
    """What is wrong is said in a sentence, on stderr, with exit status 1; nobody is shown a traceback for a setting."""
    signal.signal(signal.SIGTERM, _leave)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to stop
    try:
        app()
    except Plainly as fault:
        note(str(fault))
        sys.exit(1)


def _leave(number: int, _frame: object) -> None:
    """An orderly exit, so that an embedded Postgres that we started is stopped and not orphaned."""
    raise SystemExit(128 + number)
