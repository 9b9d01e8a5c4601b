"""muniment log prove, consistency, checkpoint, key: what shows a stranger that the logs were never changed."""

import asyncio
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import json

from events.database import Connection
from events.transparency import kept, trees
from events.transparency.kept import Kept
from events.transparency.quorum import Quorum
from events.transparency.trees import BOTH, EVENTS, ISSUANCE, Tree
from service.cli.opening import Plainly, ask, ask_at, open_database, right_key, url_of
from service.cli.output import Json, document, note, say
from service.cli.selection import until_place
from service.configuration.settings import Settings

if TYPE_CHECKING:
    from service.transparency.proofs import Proof

PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.2

Issuance = Annotated[bool, typer.Option("--issuance", help="Of the issuance log, instead of the event log.")]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to this file; - is stdout.", show_default=False),
]
EntryFile = Annotated[
    Path | None,
    typer.Option("--entry", metavar="FILE", help="Write the entry to this file, too.", show_default=False),
]
Position = Annotated[
    int, typer.Argument(metavar="POSITION", min=1, help="The position of the entry.", show_default=False)
]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="WHEN",
        help="The newest one up to this position or time (2026-03-03T14:02; UTC unless it says; a day is whole).",
        show_default=False,
    ),
]


def prove(
    position: Position,
    issuance: Issuance = False,
    output: Output = None,
    entry: EntryFile = None,
    as_json: Json = False,
) -> None:
    """Prove that the entry at a position is in the log: a C2SP tlog-proof, with the signed checkpoint that it leads to.

    It is smaller than 2 kB. With it, the entry (--entry) and the key (muniment log key), anyone can verify it without this server, by
    muniment-verify or another tool for C2SP. If witnesses are set, the checkpoint is one that has their quorum, unless none covers
    the entry; this is said on stderr. With --json: "position", "index", "quorum" (whether it has one, if witnesses are set) and
    "proof" (the text).

    Example: `muniment log prove 1742 -o 1742.tlog-proof --entry 1742.entry`
    """
    of = _tree(issuance)
    with open_database() as settings:
        proof, proved = ask_at(url_of(settings), lambda connection: _proved(connection, of, position, settings.quorum))
    warn_of_quorum(proof.has_quorum)
    if entry is not None:
        if not proved:
            raise Plainly(
                f"The entry at position {position} was deleted after its time of retention; its proof is still there."
            )
        entry.write_bytes(proved)
        note(f"the entry is in {entry}")
    described = {"position": position, "index": position - 1}
    if proof.has_quorum is not None:
        described["quorum"] = proof.has_quorum
    _put(proof.text, output, described if as_json else None)


def warn_of_quorum(has_quorum: bool | None) -> None:
    """Say so if a quorum of witnesses is required and the checkpoint does not have it."""
    if has_quorum is False:
        from service.transparency.proofs import NO_QUORUM_YET  # noqa: PLC0415 - the libraries of cryptography come along

        note(NO_QUORUM_YET)


def consistency(
    old: Annotated[int, typer.Argument(metavar="A", min=0, help="The size of the earlier tree.", show_default=False)],
    new: Annotated[
        int,
        typer.Argument(
            metavar="B", min=0, help="The size of the later tree: that of a checkpoint.", show_default=False
        ),
    ],
    issuance: Issuance = False,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Prove that the log of size A is the beginning of the log of size B: nothing before A was changed, added or removed.

    Prints the line `old A`, the hashes, and the checkpoint of size B: the form that C2SP tlog-witness has for it. A size is
    the second line of a checkpoint. With --json: "old", "new" and "proof" (the text).

    Example: `muniment log consistency 1700 1742`
    """
    from service.transparency import proofs  # noqa: PLC0415 - the libraries of cryptography come along

    of = _tree(issuance)
    proof = ask(lambda connection: proofs.consistency(connection, of, old, new))
    _put(proof.text, output, {"old": old, "new": new} if as_json else None)


def checkpoint(issuance: Issuance = False, at: At = None, as_json: Json = False) -> None:
    """Print the newest checkpoint: the size and the root of the log's tree, signed (a C2SP checkpoint).

    The service makes one every second while something happens, and keeps all of them. Keep some elsewhere, too: only they show
    later that the end of the log was not cut off. With --json: "size", "made_at", "root" (hex) and "checkpoint" (the text).

    Example: `muniment log checkpoint --at 2026-03-03T14:02`
    """
    of = _tree(issuance)
    found = ask(lambda connection: _found(connection, of, at))
    if found is None:
        raise Plainly(
            f"There is no checkpoint of the {of.of}{f' up to {at}' if at else ''}. The service makes them while it runs."
        )
    if as_json:
        document(
            {"size": found.size, "made_at": found.made_at, "root": found.root.hex(), "checkpoint": found.note.decode()}
        )
    else:
        say(found.note.decode().removesuffix("\n"))


def key(as_json: Json = False) -> None:
    """Print the verifier keys of the checkpoints, one for each log (vkey, as C2SP and Go have it).

    Give them to those who verify, by a channel that they trust. This needs the master key. With --json: by log, "log" and "issuance".

    Example: `muniment log key`
    """
    with open_database(needs_key=True) as settings, right_key():
        keys = ask_at(url_of(settings), lambda connection: _keys(connection, settings))
    if as_json:
        document({tree.name: vkey for tree, vkey in zip(BOTH, keys, strict=True)})
    else:
        say("\n".join(keys))


def _tree(issuance: bool) -> Tree:
    return ISSUANCE if issuance else EVENTS


def _put(proof: bytes, output: Path | None, described: dict[str, int] | None) -> None:
    told = proof if described is None else json.format(json.encode({**described, "proof": proof.decode()})) + b"\n"
    if output is None or str(output) == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(told)
    else:
        output.write_bytes(told)
        note(f"the proof is in {output}")


async def _proved(connection: Connection, of: Tree, position: int, quorum: Quorum) -> "tuple[Proof, bytes]":
    """The proof, and the entry. Waits for the next checkpoint. Raises Plainly if none comes."""
    from service.transparency import proofs  # noqa: PLC0415 - the libraries of cryptography come along

    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            proof = await proofs.inclusion(connection, of, position, quorum)
            break
        except proofs.NotYet as fault:
            if time.monotonic() > until:
                raise Plainly(f"{fault} The service makes checkpoints while it runs.") from fault
        await asyncio.sleep(PAUSE_SECONDS)
    found = await trees.entries(connection, of, position - 1, position)
    return proof, b"".join(found)


async def _found(connection: Connection, of: Tree, at: str | None) -> Kept | None:
    if at is None:
        return await kept.newest(connection, of)
    place = until_place("--at", at)
    if isinstance(place, datetime):
        return await kept.upto_time(connection, of, place)
    return await kept.upto_size(connection, of, place)


async def _keys(connection: Connection, settings: Settings) -> list[str]:
    from service.transparency.log_key import LogKey  # noqa: PLC0415 - the libraries of cryptography come along

    assert settings.master_key is not None
    # The log may be another issuer's than the settings of this shell say.
    newest = await kept.newest(connection, EVENTS)
    issuer = settings.issuer if newest is None else newest.note.decode().partition("\n")[0]
    return (await LogKey(issuer, settings.master_key).verifiers(connection)).splitlines()
