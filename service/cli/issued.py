"""muniment tokens list, show and revoke: issued access tokens, by the issuance log. The tokens themselves are kept nowhere."""

from datetime import time, timedelta
from typing import Annotated
from uuid import UUID

import typer
from msgspec import Struct

from events import issued_tokens
from events.database import AnyConnection, Connection, read
from events.envelope import Meta
from events.issued_token_lists import Conditions
from service.blast_radius.client_keys import credential_of
from service.cli import token_states
from service.cli.client_lookup import stream_of
from service.cli.ledger import Yes, confirm, working
from service.cli.opening import Plainly, ask, by_operator, open_database, right_key, run
from service.cli.output import Json, document, lines, moment, note, say, table
from service.cli.reason_option import Reason
from service.cli.selection import Place, Since, Until, read_place
from service.cli.token_states import IssuedToken
from service.clock import utc_now
from service.commands.access_token import RevokeToken
from service.commands.handle import ACCESS_TOKEN, Handled, Ledger, handle
from service.configuration.settings import LEEWAY_SECONDS, Settings
from service.values.text import printable
from service.values.uuids import uuid_of

MOST_PAGES = 50
"""A page reads 100,000 tokens at most; a list that needs more of them says how far it went."""

COLUMNS = ("jti", "client", "sub", "scope", "issued", "expires", "state")

Jti = Annotated[str, typer.Argument(metavar="JTI", help="The jti claim of the token.", show_default=False)]
Client = Annotated[
    str | None, typer.Option("--client", metavar="CLIENT_ID", help="Only this client's.", show_default=False)
]
Secret = Annotated[
    str | None,
    typer.Option("--secret", metavar="SECRET_ID", help="Only those that this secret got.", show_default=False),
]
Subject = Annotated[
    str | None,
    typer.Option("--subject", metavar="SUB", help="Only those of this bot or user.", show_default=False),
]
Authorization = Annotated[
    str | None,
    typer.Option("--authorization", metavar="ID", help="Only those from this authorization.", show_default=False),
]
SubjectToken = Annotated[
    str | None,
    typer.Option(
        "--subject-token",
        metavar="JTI",
        help="Only those that the token with this jti was exchanged for (RFC 8693).",
        show_default=False,
    ),
]
Key = Annotated[
    str | None, typer.Option("--key", metavar="KID", help="Only those that this key signed.", show_default=False)
]
ClientKey = Annotated[
    str | None,
    typer.Option(
        "--client-key",
        metavar="TEXT",
        help="Only those that --client got by this key: a kid, a thumbprint, or the subject of a workload identity.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, newest first.")]


class _Wanted(Struct, frozen=True, kw_only=True):
    conditions: Conditions
    since: Place | None
    until: Place | None
    limit: int


class _Listed(Struct, frozen=True):
    """`edge` is the position down to which the list is complete, if there may be more."""

    tokens: list[IssuedToken]
    edge: int | None


def list_tokens(
    *,
    client: Client = None,
    secret: Secret = None,
    subject: Subject = None,
    authorization: Authorization = None,
    key: Key = None,
    client_key: ClientKey = None,
    subject_token: SubjectToken = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List issued access tokens, newest first, and whether each can still be used.

    A position is one of the issuance log. --subject finds tokens by the audit feed, which a running service keeps up to date.

    Example: `muniment tokens list --client oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718 --since 12h`
    """
    conditions = Conditions(
        client=None if client is None else stream_of(client),
        secret=None if secret is None else _uuid(secret, "the id of a secret"),
        authorization=None if authorization is None else _uuid(authorization, "the id of an authorization"),
        key=key,
        subject=subject,
        subject_token=None if subject_token is None else jti_of(subject_token),
    )
    first = None if since is None else read_place("--since", since, time.min)
    last = None if until is None else read_place("--until", until, time.max)
    wanted = _Wanted(conditions=conditions, since=first, until=last, limit=limit)
    if client_key is not None and (client is None or secret is not None):
        raise Plainly("--client-key needs --client, whose key it is, and no --secret.")
    found = ask(lambda connection: _listed(connection, wanted, client_key))
    if as_json:
        document(found.tokens)
    else:
        table(COLUMNS, map(_cells, found.tokens))
    if len(found.tokens) == limit and found.edge is not None:
        note(f"there may be more than these {limit}; --limit shows more of them, --until {found.edge - 1} those before")
    elif found.edge is not None:
        note(f"this list is complete down to position {found.edge}; --until {found.edge - 1} goes on")


def show(jti: Jti, as_json: Json = False) -> None:
    """Show an issued access token: whose it is, what it may be used for, and whether it still can be. `tokens why` says why it exists.

    Example: `muniment tokens show 0192f3a1-c5d8-7cc4-a1b2-c3d4e5f60718`
    """
    wanted = jti_of(jti)
    token = ask(lambda connection: _found(connection, wanted))
    if as_json:
        document(token)
    else:
        lines(_facts(token))


def revoke(jti: Jti, *, yes: Yes = False, reason: Reason = None, as_json: Json = False) -> None:
    """Revoke an issued access token: it introspects as inactive. An API that verifies only its signature accepts it until it expires.

    Example: `muniment tokens revoke 0192f3a1-c5d8-7cc4-a1b2-c3d4e5f60718 --yes`
    """
    wanted, meta = jti_of(jti), by_operator(reason)

    async def revoked(ledger: Ledger, settings: Settings) -> tuple[IssuedToken, Handled | None]:
        token = await read(ledger.pool, lambda connection: _found(connection, wanted))
        if token.state in ("expired", "revoked"):
            return token, None
        confirm(
            f"Revoke the token {jti} of {token.client_id}, for {token.sub}?", yes=yes, otherwise="nothing was revoked"
        )
        return token, await _revoked(ledger, settings, token, meta)

    # A reason may be about a user, and is sealed then.
    with open_database(needs_key=reason is not None) as settings, right_key():
        token, handled = run(working(settings, revoked))
    if as_json:
        document({"jti": token.jti, "state": token.state if handled is None else "revoked"})
    elif handled is None:
        say(f"The token {jti} is {token.state}; there is nothing to revoke.")
    else:
        say(f"The token {jti} is revoked.")


async def _revoked(ledger: Ledger, settings: Settings, token: IssuedToken, meta: Meta) -> Handled:
    # The revocation is kept while the token might still be accepted, which is a little longer than its exp.
    expires_at = token.expires_at + timedelta(seconds=LEEWAY_SECONDS)
    command = RevokeToken(client_id=token.client_id, expires_at=expires_at, at=utc_now())
    if token.authorization_id is not None and meta.reason is not None:
        from service.people.accounts import People  # noqa: PLC0415 - it imports argon2 and JOSE

        assert settings.master_key is not None
        people = People(ledger, settings.master_key)
        meta = await people.private(UUID(token.sub), meta)
        people.close()
    return await handle(ledger, ACCESS_TOKEN, token.jti, command, meta)


async def _found(connection: AnyConnection, jti: UUID) -> IssuedToken:
    row = await issued_tokens.find(connection, jti)
    if row is None:
        raise Plainly(f"No token {jti} was issued here, or its record is older than issued tokens are kept.")
    (token,) = await token_states.shown(connection, [row])
    return token


async def _listed(connection: Connection, wanted: _Wanted, client_key: str | None) -> _Listed:
    from service.endpoints import token_search  # noqa: PLC0415 - it imports Starlette
    from service.endpoints.audit_query import Page  # noqa: PLC0415
    from service.endpoints.cursors import Cursor  # noqa: PLC0415

    tokens: list[IssuedToken] = []
    conditions = wanted.conditions
    if client_key is not None and conditions.client is not None:
        by = await credential_of(connection, conditions.client, client_key)
        conditions = conditions.__replace__(secret=by)
    edge: int | None = None
    page = Page(since=wanted.since, until=wanted.until, newest_first=True, limit=wanted.limit, cursor=None, given={})
    for _ in range(MOST_PAGES):
        part = await token_search.tokens(connection, None, conditions, page)
        rows = part.rows[: page.limit]
        tokens += await token_states.shown(connection, rows)
        edge = rows[-1]["position"] if len(part.rows) > page.limit else part.edge
        if edge is None or len(tokens) == wanted.limit:
            return _Listed(tokens, edge)
        page = page.__replace__(cursor=Cursor(edge, before=True), limit=wanted.limit - len(tokens))
    return _Listed(tokens, edge)


def _cells(token: IssuedToken) -> tuple[str, ...]:
    times = (moment(token.issued_at), moment(token.expires_at))
    return (str(token.jti), token.client_id, token.sub, token.scope, *times, token.state)


def _facts(token: IssuedToken) -> list[tuple[str, str]]:
    return [
        ("jti", str(token.jti)),
        ("client", token.client_id),
        ("sub", token.sub),
        ("scope", token.scope or "none"),
        ("state", token.state),
        ("issued", moment(token.issued_at)),
        ("expires", moment(token.expires_at)),
        ("secret", str(token.secret_id or "none")),
        ("key", token.key_id),
        ("address", token.address or "not recorded"),
        ("authorization", str(token.authorization_id or "none")),
        ("bound to key", token.jkt or "none"),
        ("position", f"{token.position} of the issuance log"),
    ]


def jti_of(text: str) -> UUID:
    """Raises Plainly."""
    return _uuid(text, "a jti")


def _uuid(text: str, what: str) -> UUID:
    found = uuid_of(text)
    if found is None:
        raise Plainly(f"{printable(text)} is not {what}, which is a UUID.")
    return found
