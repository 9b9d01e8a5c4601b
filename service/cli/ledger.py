"""How a command changes something: the log to append to, in whose name, and whether the person is sure."""

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

import typer

from events.database import pool
from events.log import Log
from service.cli.opening import Plainly, open_database, run, url_of
from service.cli.output import document, note, say
from service.commands.authority import RESERVED, Holder
from service.commands.handle import Handled, Ledger
from service.configuration.settings import Settings
from service.refusals import VersionMismatch
from service.values.scopes import OPERATORS
from service.values.text import printable

Answer = TypeVar("Answer")
Work = Callable[[Ledger, Settings], Awaitable[Answer]]

OPERATOR = Holder(owner=None, sub=RESERVED, scopes=frozenset(OPERATORS))
"""Who acts at the command line: an operator, who reaches everybody's clients and bots."""

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")]
AtVersion = Annotated[
    int | None,
    typer.Option(
        "--at-version",
        metavar="VERSION",
        min=1,
        help="Refuse if it has changed since this version (`show` has it).",
        show_default=False,
    ),
]


def with_ledger(work: Work[Answer]) -> Answer:
    """What the work returns, on a database at the present schema."""
    with open_database() as settings:
        return run(working(settings, work))


async def working(settings: Settings, work: Work[Answer]) -> Answer:
    async with open_ledger(url_of(settings)) as ledger:
        return await work(ledger, settings)


@asynccontextmanager
async def open_ledger(url: str) -> AsyncGenerator[Ledger]:
    """The log to append to, and the tables."""
    log = Log(url)
    try:
        async with pool(url) as connections:
            yield Ledger(log, connections)
    finally:
        await log.close()


def only_at(version: int | None) -> frozenset[int] | None:
    """The versions that the command may change; None for any."""
    return None if version is None else frozenset({version})


def confirm(question: str, *, yes: bool, otherwise: str) -> None:
    """Raises Plainly unless the person said --yes, or says yes at the terminal. `otherwise` says what was not done."""
    if not yes:
        check_terminal("say --yes")
        ask_whether_sure(question, otherwise)


def check_terminal(instead: str) -> None:
    """Raises Plainly if nobody can be asked. `instead` says what to do then."""
    if not sys.stdin.isatty():
        raise Plainly(f"there is no terminal to ask whether you are sure at; {instead}")


def ask_whether_sure(question: str, otherwise: str) -> None:
    """Raises Plainly unless the person at the terminal says yes."""
    if not typer.confirm(printable(question), err=True):
        raise Plainly(otherwise)


def changed(named: str, group: str, fault: VersionMismatch) -> Plainly:
    """The refusal of a change to what is no longer at the version that the person had seen."""
    return Plainly(
        f"{named} is at version {fault.actual}: somebody changed it since. muniment {group} show says what it is now."
    )


def say_state(named: str, state: str, handled: Handled, *, field: str, as_json: bool) -> None:
    """`field` is what JSON calls the id of what was changed."""
    if as_json:
        document({field: named, "state": state, "version": handled.version})
        return
    say(f"{named} is {state}.")
    if handled.position is None:
        note("it was so before; nothing was changed")
