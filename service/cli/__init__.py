"""muniment: the command line of operators and auditors. Every command works beside a running service as well as without one."""

import sys

import typer

from service.cli import serve
from service.cli.opening import Plainly

app = typer.Typer(
    name="muniment",
    help="An OAuth 2.0 / OpenID Connect authorization server on an event log that can prove itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)


@app.callback()
def _several() -> None:
    pass


def main() -> None:
    """What is wrong is said in a sentence, on stderr, with exit status 1; nobody is shown a traceback for a setting."""
    try:
        app()
    except Plainly as fault:
        sys.stderr.write(f"muniment: {fault}\n")
        sys.exit(1)
