"""muniment log verify: both logs proved from their stored bytes, against a checkpoint if there is one; and what is kept beside them."""

import re
import time
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from events import receipts
from events.database import Connection
from events.replay import Checkpoint
from events.verify import EVENTS, ISSUANCE, Fault
from events.verify import verify as prove
from service.cli.opening import Plainly, ask_at, open_database, right_key, url_of
from service.cli.output import Json, document, say
from service.cli.progress import Progress, bar

if TYPE_CHECKING:
    from service.people.proof import Proved

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


class Result(Struct, frozen=True, kw_only=True):
    """What was proved: both logs up to here, and what is kept beside them."""

    reached: Checkpoints
    answers: int
    vault: "Proved"

    @property
    def figures(self) -> dict[str, int]:
        return {
            "events": position_of(self.reached.events),
            "tokens": position_of(self.reached.tokens),
            "answers": self.answers,
            "people": self.vault.people,
        }


def verify(since: Since = None, as_json: Json = False) -> None:
    """Prove the event log and the issuance log: every leaf, root and chain value is recomputed from the stored bytes.

    Then what is kept beside them: answers for retries are those of their events, and everybody who was not erased has their data
    key and is found by their own names alone. The last takes the master key (MUNIMENT_MASTER_KEY, or the data directory's); without it keys and names are only counted.

    Prints a checkpoint when all is well. Keep it elsewhere: without one, a log whose end was cut off cleanly cannot be told
    from a shorter log. With --from, the log must still go through that checkpoint; all of it is proved either way.
    With --json: "ok", "checkpoint", how many "events", "tokens", "answers" and "people" were proved, "vault" ("proved" or, without the master key, "counted"), and "unproved_names" (of people registered before the log kept names).

    On a fault the exit status is 1, and the log and the first bad position are named (--json: "ok", "log", "position", "fault").

    Example: `muniment log verify --json | jq -r .checkpoint > checkpoint; muniment log verify --from "$(cat checkpoint)"`
    """
    seen = Checkpoints() if since is None else read_checkpoints(since)
    began = time.monotonic()
    try:
        with bar("verifying") as progress:
            result = _proved(seen, progress)
    except Fault as fault:
        if as_json:
            document({"ok": False, "log": fault.log, "position": fault.position, "fault": fault.what})
            raise typer.Exit(1) from fault
        raise Plainly(f"NOT what was written: {fault}") from fault
    vault = "proved" if result.vault.with_key else "counted"
    if as_json:
        told = {**result.figures, "vault": vault, "unproved_names": result.vault.unproved}
        document({"ok": True, "checkpoint": str(result.reached), **told})
    else:
        _say(result, time.monotonic() - began)


def _say(result: Result, seconds: float) -> None:
    figures, vault = result.figures, result.vault
    say(
        f"Verified: {figures['events']:,} events and {figures['tokens']:,} tokens are exactly as written ({seconds:.1f} s)."
    )
    say(f"Kept for retries: {result.answers:,} answers, each as it was given.")
    if vault.with_key:
        say(f"The vault: {vault.people:,} people, each with their own key, and found by their own names alone.")
        if vault.unproved:
            say(
                f"({vault.unproved:,} names of an upstream provider are older than the log's record of names: they are not proved.)"
            )
    else:
        say(
            f"The vault: {vault.people:,} people, whose keys and names were only counted: MUNIMENT_MASTER_KEY is not set."
        )
    say(f"checkpoint: {result.reached}")


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


def _proved(seen: Checkpoints, progress: Progress) -> Result:
    with open_database() as settings, right_key():
        return ask_at(url_of(settings), lambda connection: _verified(connection, settings.master_key, seen, progress))


async def _verified(connection: Connection, master_key: bytes | None, seen: Checkpoints, progress: Progress) -> Result:
    """All of it as of one snapshot."""
    from service.people import proof  # noqa: PLC0415 - argon2 and JOSE come along

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
        answers = await receipts.verify(connection)
        vault = await proof.verify(connection, master_key)
        return Result(reached=Checkpoints(events=events, tokens=tokens), answers=answers, vault=vault)


def position_of(at: Checkpoint | None) -> int:
    return at.position if at else 0
