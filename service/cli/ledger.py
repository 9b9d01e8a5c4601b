"""How a command changes something: the log to append to, in whose name, and whether the person is sure."""

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from events.database import pool
from events.log import Log
from service.cli.opening import Plainly, open_database, run, url_of
from service.commands.authority import RESERVED, Holder
from service.commands.handle import Ledger
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
    url = url_of(settings)
    log = Log(url)
    try:
        async with pool(url) as connections:
            return await work(Ledger(log, connections), settings)
    finally:
        await log.close()


def only_at(version: int | None) -> frozenset[int] | None:
    """The versions that the command may change; None for any."""
    return None if version is None else frozenset({version})


def confirm(question: str, *, yes: bool, otherwise: str) -> None:
    """Raises Plainly unless the person said --yes, or says yes at the terminal. `otherwise` says what was not done."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Plainly("there is no terminal to ask whether you are sure at; say --yes")
    if not typer.confirm(printable(question), err=True):
        raise Plainly(otherwise)


def changed(named: str, group: str, fault: VersionMismatch) -> Plainly:
    """The refusal of a change to what is no longer at the version that the person had seen."""
    return Plainly(
        f"{named} is at version {fault.actual}: somebody changed it since. muniment {group} show says what it is now."
    )
