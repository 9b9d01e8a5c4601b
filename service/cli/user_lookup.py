"""What the commands about people share: the database with its keys opened, a user found by id or address, a password asked for."""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from events.envelope import Meta
from service.cli.ledger import open_ledger
from service.cli.opening import Plainly, by_operator, open_database, right_key, run, url_of
from service.commands.handle import Ledger
from service.configuration.settings import Settings
from service.people.last_operator import leaves_none
from service.values.uuids import uuid_of

if TYPE_CHECKING:
    from service.people.accounts import People

Answer = TypeVar("Answer")

NO_OPERATOR = "nobody is an operator of the console now: muniment users role give USER operator makes somebody one"
MOST_BYTES = 8192
"""More than any password has."""

User = Annotated[str, typer.Argument(metavar="USER", help="The id, or the e-mail address.", show_default=False)]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin, up to the line's end.")
]


def with_people(work: Callable[["People", Ledger], Awaitable[Answer]]) -> Answer:
    return with_settings(lambda _settings, people, ledger: work(people, ledger))


def with_settings(work: Callable[[Settings, "People", Ledger], Awaitable[Answer]]) -> Answer:
    with open_database(needs_key=True) as settings, right_key():
        return run(_working(settings, work))


async def _working(settings: Settings, work: Callable[[Settings, "People", Ledger], Awaitable[Answer]]) -> Answer:
    from service.people.accounts import People  # noqa: PLC0415 - argon2 and JOSE come along

    assert settings.master_key is not None
    async with open_ledger(url_of(settings)) as ledger:
        people = People(ledger, settings.master_key)
        try:
            return await work(settings, people, ledger)
        finally:
            people.close()


def _line(given: bytes) -> str:
    """Raises Plainly."""
    try:
        return given.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as fault:
        raise Plainly("the password on stdin is not UTF-8, or far too long") from fault


async def found_user(people: "People", user: str) -> UUID:
    """Raises Plainly."""
    row = await people.find(user) if "@" in user else await people.row(_id(user))
    if row is None:
        raise Plainly(f"There is no user {user}.")
    return row.stream_id


async def is_last_operator(settings: Settings, people: "People", ledger: Ledger, user: UUID) -> bool:
    """Whether nobody else who is active has the role. The API refuses to stop the last one; here it is allowed, with a note."""
    row = await people.row(user)
    if row is None or row.state != "active" or "operator" not in row.all_roles:
        return False
    return await leaves_none(ledger.pool, settings.upstream, [user])


def _id(user: str) -> UUID:
    found = uuid_of(user)
    if found is None:
        raise Plainly(f"{user} is neither an e-mail address nor the id of a user.")
    return found


def changing(reason: str | None, option: str, *, changes: bool) -> Meta:
    """The envelope of a command that changes something only with this option. Raises Plainly for a reason without it."""
    if reason is not None and not changes:
        raise Plainly(f"--reason is recorded with a change; nothing is changed without {option}")
    return by_operator(reason)


def asked_password(*, from_stdin: bool) -> str:
    """Raises Plainly."""
    if from_stdin:
        return _line(sys.stdin.buffer.readline(MOST_BYTES))
    if not sys.stdin.isatty():
        raise Plainly("there is no terminal to ask for a password at; send it on stdin, with --password-stdin")
    return typer.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
