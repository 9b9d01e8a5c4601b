"""muniment: the command line of operators and auditors. Every command works beside a running service as well as without one.

Each group's module is imported once one of its commands is asked for. A module imports at its top what every use of it needs;
what costs a tenth of a second (uvicorn, Alembic, JOSE, bars and tables) is imported by the one function that needs it, so that
asking for a list of clients stays quick.
"""

from typing import Annotated

import typer

from service.cli import MOST_WORKERS
from service.cli.groups import group

app = typer.Typer(
    name="muniment",
    help="An OAuth 2.0 / OpenID Connect authorization server on an event log that can prove itself.",
    epilog="Settings come from the environment: MUNIMENT_DATA (.muniment) or MUNIMENT_DATABASE_URL, and those that docs/configuration.md lists. "
    "Faults go to stderr, with exit status 1.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
Workers = Annotated[int, typer.Option(min=1, max=MOST_WORKERS, help="How many processes answer requests.")]
Origin = Annotated[str, typer.Argument(metavar="ID", help="Where to begin.", show_default=False)]
SinceWhen = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="WHEN", help="Since this position or time; UTC unless it says.", show_default=False
    ),
]
ClientKey = Annotated[
    str | None,
    typer.Option(
        "--client-key",
        metavar="TEXT",
        help="Begin with this key of the client ID: a kid, a thumbprint, or the subject of a workload identity.",
        show_default=False,
    ),
]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="List only this kind, such as token; may be repeated.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="List at most so many.")]
Url = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", help="Where the service answers; the issuer, if not given.", show_default=False
    ),
]
Server = Annotated[
    str | None,
    typer.Argument(metavar="ISSUER", help="The server, such as https://auth.example.com.", show_default=False),
]
LoginClient = Annotated[
    str | None,
    typer.Option("--client-id", metavar="ID", help="A public client with the device grant.", show_default=False),
]
LoginScopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope", metavar="SCOPE", help="Instead of openid offline_access; may be repeated.", show_default=False
    ),
]
LoginResource = Annotated[
    str | None,
    typer.Option("--resource", metavar="URI", help="The API that the token is for (RFC 8707).", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="For scripts: JSON on stdout, and nothing else.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Only show what would be revoked.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")]
Reason = Annotated[
    str | None,
    typer.Option(
        "--reason",
        metavar="TEXT",
        help="Why, for the log: at most 500 characters. Do not name people here unless ID is about them.",
        show_default=False,
    ),
]
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


@app.command("status")
def _status(url: Url = None, as_json: Json = False) -> None:
    """Show the installation on one screen: the service, the database, both logs, tokens, projections, checkpoints and keys.

    The exit status is 0 if the service is ready and its database can be used from here, and 1 otherwise: `muniment doctor` says
    what to do. It asks the service at MUNIMENT_ISSUER, unless --url is given.

    Example: `muniment status --url http://127.0.0.1:8000`
    """
    from service.cli import status  # noqa: PLC0415

    status.status(url, as_json=as_json)


@app.command("doctor")
def _doctor(as_json: Json = False) -> None:
    """Say what is wrong, in sentences, each with the command that mends it. It changes nothing.

    Run it with the settings of the service. An error stops something, or will; a warning is a risk. The exit status is 0 only if
    there is neither.

    Example: `muniment doctor`
    """
    from service.cli import doctor  # noqa: PLC0415

    doctor.doctor(as_json=as_json)


@app.command("follow")
def _follow() -> None:
    """Keep the tables up to date in a process of its own, until Ctrl-C: the processes that serve then do not.

    Without it one of them does. If it ends, they go on within seconds; a second one waits until the first one ends. It has to be of
    the same version of Muniment. Needs MUNIMENT_DATABASE_URL.

    Example: `muniment follow`
    """
    from service.cli import follower  # noqa: PLC0415

    follower.follow()


@app.command("login")
def _login(
    issuer: Server = None,
    client_id: LoginClient = None,
    scope: LoginScopes = None,
    resource: LoginResource = None,
    as_json: Json = False,
) -> None:
    """Sign in at a server, by a code that you enter in your browser, and keep the token in a file that only you can read.

    The token is for the APIs that the server signs people in to, and for its userinfo: `muniment token` prints it for curl and
    scripts. It is not for the other commands, which work on the database, nor for the management API, which is for machines:
    `muniment operator create` makes a client for that. The client is one that an owner registered with `--device-grant yes`. The
    next time, neither it nor the server has to be named.

    Example: `muniment login https://auth.example.com --client-id oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718`
    """
    from service.cli import login  # noqa: PLC0415

    login.login(issuer, client_id, " ".join(scope or []).replace(",", " ").split(), resource, as_json=as_json)


@app.command("token")
def _token(as_json: Json = False) -> None:
    """Print the token of `muniment login`, refreshed if it is about to expire.

    Example: `curl -H "Authorization: Bearer $(muniment token)" https://api.example.com/`
    """
    from service.cli import login  # noqa: PLC0415

    login.token(as_json=as_json)


@app.command("logout")
def _logout(as_json: Json = False) -> None:
    """End what `muniment login` began: the server revokes its tokens, and the file is deleted.

    Example: `muniment logout`
    """
    from service.cli import login  # noqa: PLC0415

    login.logout(as_json=as_json)


@app.command("blast-radius")
def _blast_radius(
    of: Origin,
    *,
    client_key: ClientKey = None,
    since: SinceWhen = None,
    kind: Kinds = None,
    limit: Limit = 1000,
    as_json: Json = False,
) -> None:
    """Show what follows from a compromise: every token, change, client, secret, session and authorization downstream of one thing.

    ID is the id of a client, secret, bot, user, session, authorization or trusted issuer, the kid of a signing key, or actor:NAME for an
    operator or a `sub`. The log has who made a request, but not with which of their tokens, so every change by a client counts from its first
    token on that follows from ID. Forged tokens of a leaked signing key are in no log.

    Example: `muniment blast-radius 0192f3a1-c5d8-7cc4-a1b2-c3d4e5f60718 --since 2026-03-03T14:02`
    """
    from service.cli import blast_radius  # noqa: PLC0415

    blast_radius.tell(of, since, kind or [], limit, client_key=client_key, as_json=as_json)


@app.command("revoke-tree")
def _revoke_tree(
    of: Origin,
    *,
    client_key: ClientKey = None,
    since: SinceWhen = None,
    dry_run: Dry = False,
    yes: Yes = False,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Revoke what follows from a compromise: everything that `muniment blast-radius ID` finds, and nothing else.

    It shows first what it would revoke, and asks. Secrets, authorizations and tokens are revoked, sessions are ended; clients, bots, users
    and trusted issuers are disabled, and an operator can enable them again. Then it looks again, until nothing is left. Changes are not undone. The
    receipt has the positions of the log and the checkpoint that covers them. Run it again to do what is still to do.

    Example: `muniment revoke-tree 0192f3a1-c5d8-7cc4-a1b2-c3d4e5f60718 --since 2026-03-03T14:02 --dry-run`
    """
    from service.cli import revocation  # noqa: PLC0415

    revocation.revoke(of, since, client_key=client_key, dry_run=dry_run, yes=yes, reason=reason, as_json=as_json)


app.add_typer(group("service.cli.database", "The database's schema."), name="db")
app.add_typer(group("service.cli.operators", "Clients that may manage everybody's clients."), name="operator")
app.add_typer(group("service.cli.clients", "Who may ask for tokens."), name="clients")
app.add_typer(group("service.cli.client_secrets", "The secrets of a client."), name="secrets")
app.add_typer(group("service.cli.client_keys", "The public keys of a client."), name="client-keys")
app.add_typer(
    group("service.cli.initial_tokens", "The tokens with which clients register themselves."), name="initial-tokens"
)
app.add_typer(group("service.cli.bots", "The subjects that machine clients act as."), name="bots")
app.add_typer(group("service.cli.users", "The people who can sign in."), name="users")
app.add_typer(group("service.cli.devices", "The devices that asked to sign a user in."), name="devices")
app.add_typer(group("service.cli.apis", "What tokens can be for, each with its own scopes."), name="apis")
app.add_typer(
    group("service.cli.trusted_issuers", "Other servers whose signed tokens are accepted."), name="trusted-issuers"
)
app.add_typer(group("service.cli.log", "What happened: shown, followed, exported, and proved."), name="log")
app.add_typer(group("service.cli.projections", "The tables made of what happened."), name="projections")
app.add_typer(group("service.cli.witness", "A witness that cosigns the checkpoints of other logs."), name="witness")
app.add_typer(group("service.cli.keys", "The keys that sign tokens, and the master key that wraps them."), name="keys")
app.add_typer(group("service.cli.tokens", "The access tokens that were issued, and why."), name="tokens")
app.add_typer(group("service.cli.policy", "What a stricter policy would have refused."), name="policy")
