"""muniment log verify: both logs proved from their stored bytes, against a checkpoint if there is one."""

import re
import time
from typing import Annotated

import typer
from msgspec import Struct

from events.database import Connection
from events.replay import Checkpoint
from events.verify import EVENTS, ISSUANCE, Fault
from events.verify import verify as prove
from service.cli.opening import Plainly, ask
from service.cli.output import Json, document, say
from service.cli.progress import Progress, bar

LENGTHS = """
select (select coalesce(max(last_position), 0) from log.batches), (select coalesce(max(last_position), 0) from log.issuance_batches)
"""

_read = re.compile(r"(\d{1,18}):([0-9a-f]{64})\+(\d{1,18}):([0-9a-f]{64})", re.ASCII).fullmatch

Since = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="CHECKPOINT",
        help="The word that an earlier run printed after `checkpoint:`.",
        show_default=False,
    ),
]


class Checkpoints(Struct, frozen=True, kw_only=True):
    """A place in each of the two logs, as one word; None is before everything."""

    events: Checkpoint | None = None
    tokens: Checkpoint | None = None

    def __str__(self) -> str:
        return f"{self.events}+{self.tokens}"


def verify(since: Since = None, as_json: Json = False) -> None:
    """Prove the event log and the issuance log: every leaf, root and chain value is computed anew from the stored bytes.

    Prints a checkpoint when all is well. Keep it elsewhere: without one, a log whose end was cut off cleanly cannot be told
    from a shorter log. With --from, the log must still go through that checkpoint; all of it is proved either way.
    With --json: "ok", "checkpoint", and "events" and "tokens" (how many were proved).

    On a fault the exit status is 1, and the log and the first bad position are named (--json: "ok", "log", "position", "fault").

    Example: `muniment log verify --json | jq -r .checkpoint > checkpoint; muniment log verify --from "$(cat checkpoint)"`
    """
    seen = Checkpoints() if since is None else read_checkpoints(since)
    began = time.monotonic()
    try:
        with bar("verifying") as progress:
            reached = ask(lambda connection: _verified(connection, seen, progress))
    except Fault as fault:
        if as_json:
            document({"ok": False, "log": fault.log, "position": fault.position, "fault": fault.what})
            raise typer.Exit(1) from fault
        raise Plainly(f"NOT what was written: {fault}") from fault
    events, tokens = position_of(reached.events), position_of(reached.tokens)
    if as_json:
        document({"ok": True, "checkpoint": str(reached), "events": events, "tokens": tokens})
    else:
        say(
            f"Verified: {events:,} events and {tokens:,} tokens are exactly as written ({time.monotonic() - began:.1f} s)."
        )
        say(f"checkpoint: {reached}")


def read_checkpoints(word: str) -> Checkpoints:
    """Raises Plainly."""
    found = _read(word)
    if found is None:
        raise Plainly(
            "--from takes a checkpoint as log verify printed it, one word of the form POSITION:HEX+POSITION:HEX."
        )
    position, chain, issued, issued_chain = found.groups()
    return Checkpoints(
        events=Checkpoint(int(position), bytes.fromhex(chain)),
        tokens=Checkpoint(int(issued), bytes.fromhex(issued_chain)),
    )


async def _verified(connection: Connection, seen: Checkpoints, progress: Progress) -> Checkpoints:
    """Both logs as of one snapshot."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        lengths = await connection.fetchrow(LENGTHS)
        assert lengths is not None
        total = sum(lengths)
        events = tokens = None
        async for events in prove(connection, EVENTS, through=seen.events):
            progress(events.position, total)
        done = position_of(events)
        async for tokens in prove(connection, ISSUANCE, through=seen.tokens):
            progress(done + tokens.position, total)
        return Checkpoints(events=events, tokens=tokens)


def position_of(at: Checkpoint | None) -> int:
    return at.position if at else 0
