"""muniment log verify: both logs proved from their stored bytes, against a checkpoint if there is one; and what is kept beside them."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from events import receipts
from events.database import Connection
from events.replay import Checkpoint
from events.transparency.checkpoints import CHAIN, BadCheckpoint, tree_head
from events.transparency.notes import BadNote, parsed
from events.transparency.trees import BOTH
from events.verify import EVENTS, ISSUANCE, Fault
from events.verify_parts import proofs
from service.cli.opening import Plainly, ask_at, open_database, right_key, url_of
from service.cli.output import Json, document, say
from service.cli.progress import Progress, bar
from service.configuration.settings import Settings

if TYPE_CHECKING:
    from service.people.proof import Proved
    from service.transparency.verification import Verified

ISSUANCE_NAME = "/issuance"
MOST_CHARACTERS = 100_000

LENGTHS = """
select (select coalesce(max(last_position), 0) from log.batches), (select coalesce(max(last_position), 0) from log.issuance_batches),
       (select count(*) from log.checkpoints)
"""

_read = re.compile(r"(\d{1,18}):([0-9a-f]{64})\+(\d{1,18}):([0-9a-f]{64})", re.ASCII).fullmatch

Since = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="CHECKPOINT",
        help="The word that an earlier run printed after `checkpoint:`, or a signed checkpoint (its text, or a file with either).",
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
    kept: "Verified"
    answers: int
    vault: "Proved"

    @property
    def figures(self) -> dict[str, int]:
        return {
            "events": position_of(self.reached.events),
            "tokens": position_of(self.reached.tokens),
            "checkpoints": self.kept.checkpoints,
            "cosignatures": self.kept.cosignatures,
            "answers": self.answers,
            "people": self.vault.people,
        }

    @property
    def proved(self) -> dict[str, str | int]:
        """What the master key was there to prove, and what is too old to be proved."""
        signatures, vault = ["proved" if key else "counted" for key in (self.kept.signed, self.vault.with_key)]
        return {"signatures": signatures, "vault": vault, "unproved_names": self.vault.unproved}


def verify(since: Since = None, as_json: Json = False) -> None:
    """Prove the event log and the issuance log: every leaf, root and chain value is recomputed from the stored bytes.

    Then what is kept beside them: the size, root and chain value of each signed checkpoint are those of its log; answers for retries
    are those of their events; and everybody who was not erased has their data key and is found by their own names alone. Signatures,
    keys and names take the master key (MUNIMENT_MASTER_KEY, or the data directory's); without it they are only counted. Of the
    cosignatures of witnesses, those by a witness of MUNIMENT_WITNESSES are verified.

    Prints a checkpoint when all is well. Keep it elsewhere: without one, a log whose end was cut off cleanly cannot be told
    from a shorter log. A signed one (log checkpoint) will do, too. With --from, the log must still go through that checkpoint; all of it is proved either way.
    With --json: "ok", "checkpoint", how many "events", "tokens", "checkpoints", "cosignatures", "answers" and "people" were proved, "signatures" and "vault" ("proved" or, without the master key, "counted"), and "unproved_names" (of people registered before the log kept names).

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
    if as_json:
        document({"ok": True, "checkpoint": str(result.reached), **result.figures, **result.proved})
    else:
        _say(result, time.monotonic() - began)


def _say(result: Result, seconds: float) -> None:
    figures, vault = result.figures, result.vault
    say(
        f"Verified: {figures['events']:,} events and {figures['tokens']:,} tokens are exactly as written ({seconds:.1f} s)."
    )
    kept, unsigned = result.kept, "" if result.kept.signed else "; their signatures were not verified"
    cosigned = f" and {kept.cosignatures:,} cosignatures" if kept.cosignatures else ""
    say(f"Checkpoints: {kept.checkpoints:,}{cosigned}, each as the log has it{unsigned}.")
    if kept.strange:
        say(
            f"({kept.strange:,} cosignatures are by witnesses that MUNIMENT_WITNESSES does not name: they are not proved.)"
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


def read_checkpoints(given: str) -> Checkpoints:
    """Read a word, a signed checkpoint, or a file that has one of them. Raises Plainly."""
    text = given if _read(given) or "\n" in given else _content(given)
    return _of_word(text.strip()) or _of_note(f"{text.strip()}\n")


def _content(path: str) -> str:
    """Return the text of the file, or nothing if there is none."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(MOST_CHARACTERS)
    except (OSError, ValueError):
        return ""


def _of_note(text: str) -> Checkpoints:
    """A signed checkpoint is of one of the logs. Its chain value is compared with that log's, so its signature shows nothing more."""
    try:
        head = tree_head(parsed(text.encode()))
        chain = bytes.fromhex(next(line for line in head.extensions if line.startswith(CHAIN)).removeprefix(CHAIN))
    except (BadNote, BadCheckpoint, StopIteration, ValueError) as fault:
        raise Plainly(
            "--from takes a checkpoint: the word that log verify printed, of the form POSITION:HEX+POSITION:HEX, "
            "a signed one of log checkpoint, or a file with one of them."
        ) from fault
    at = Checkpoint(head.size, chain)
    return Checkpoints(tokens=at) if head.origin.endswith(ISSUANCE_NAME) else Checkpoints(events=at)


def _of_word(word: str) -> Checkpoints | None:
    found = _read(word)
    if found is None:
        return None
    position, chain, issued, issued_chain = found.groups()
    return Checkpoints(
        events=Checkpoint(int(position), bytes.fromhex(chain)),
        tokens=Checkpoint(int(issued), bytes.fromhex(issued_chain)),
    )


def _proved(seen: Checkpoints, progress: Progress) -> Result:
    with open_database() as settings, right_key():
        return ask_at(url_of(settings), lambda connection: _verified(connection, settings, seen, progress))


async def _verified(connection: Connection, settings: Settings, seen: Checkpoints, progress: Progress) -> Result:
    """All of it as of one snapshot."""
    from service.people import proof  # noqa: PLC0415 - argon2 and JOSE come along

    async with connection.transaction(isolation="repeatable_read", readonly=True):
        lengths = await connection.fetchrow(LENGTHS)
        assert lengths is not None
        total = sum(lengths)
        events = tokens = None
        async with proofs(url_of(settings), connection, total) as prove:
            async for events in prove(EVENTS, seen.events):
                progress(events.position, total)
            done = position_of(events)
            async for tokens in prove(ISSUANCE, seen.tokens):
                progress(done + tokens.position, total)
        done += position_of(tokens)
        kept = await _kept(connection, settings, lambda count: progress(done + count, total))
        answers = await receipts.verify(connection)
        vault = await proof.verify(connection, settings.master_key)
        return Result(reached=Checkpoints(events=events, tokens=tokens), kept=kept, answers=answers, vault=vault)


async def _kept(connection: Connection, settings: Settings, progress: Callable[[int], None]) -> "Verified":
    from service.transparency import verification  # noqa: PLC0415 - the libraries of cryptography come along
    from service.transparency.log_key import LogKey  # noqa: PLC0415

    key = None if settings.master_key is None else LogKey(settings.issuer, settings.master_key)
    total = verification.Verified(signed=key is not None)
    for of in BOTH:
        found = verification.Verified()
        async for found in verification.verify(connection, of, key, settings.quorum.keys):
            progress(total.checkpoints + found.checkpoints)
        total += found
    return total


def position_of(at: Checkpoint | None) -> int:
    return at.position if at else 0
