"""The answer about a token with the proof of each of its positions, for a verifier that has nothing but the log's key."""

from collections.abc import Mapping
from typing import Literal

import asyncpg
from msgspec import UNSET, Struct, UnsetType

from events.database import AnyConnection
from events.transparency.entries import MOST_DATA
from events.transparency.kept import Kept
from events.transparency.quorum import Quorum
from events.transparency.trees import EVENTS, ISSUANCE, Tree
from service.provenance.answer import Provenance
from service.provenance.explanation import explain, positions
from service.provenance.sources import Stored
from service.transparency import proofs

FORMAT = "muniment-provenance-1"
TreeName = Literal["events", "issuance"]
TREES: Mapping[TreeName, Tree] = {"events": EVENTS, "issuance": ISSUANCE}


class ProvedEntry(Struct, frozen=True, kw_only=True):
    """An entry of a tree, and the hashes of its inclusion in the checkpoint of that tree, from the leaf to the root.

    `data` is that of a long event, of which the entry has only the hash.
    """

    tree: TreeName
    position: int
    entry: bytes
    proof: tuple[bytes, ...]
    data: bytes | UnsetType = UNSET


class ProvenanceBundle(Struct, frozen=True, kw_only=True):
    """What muniment-verify checks offline: the signed checkpoint of each tree, and a proof of each entry that the answer follows from.

    `before` has the answer about each token that this one was exchanged from, latest first.
    """

    format: str
    checkpoints: list[str]
    entries: list[ProvedEntry]
    answer: Provenance
    before: list[Provenance] | UnsetType = UNSET


async def prove(connection: AnyConnection, found: Stored, quorum: Quorum) -> tuple[ProvenanceBundle, bool | None]:
    """Return the bundle, and whether both checkpoints have their quorum (None if none is required). Raises proofs.NotYet."""
    # The token is the newest, so its checkpoint is the last to come: nothing is computed in vain while it is waited for.
    sources = found.sources
    of_tokens, tokens = await _proved(connection, "issuance", found.tokens, quorum)
    of_events, events = await _proved(connection, "events", {at: found.events[at] for at in positions(sources)}, quorum)
    notes = [of_events.note.decode(), of_tokens.note.decode()]
    bundle = ProvenanceBundle(
        format=FORMAT,
        checkpoints=notes,
        entries=[*events, *tokens],
        answer=explain(sources),
        before=[explain(each) for each in sources.before] or UNSET,
    )
    return bundle, of_events.has_quorum and of_tokens.has_quorum


async def _proved(
    connection: AnyConnection, name: TreeName, rows: Mapping[int, asyncpg.Record], quorum: Quorum
) -> tuple[Kept, list[ProvedEntry]]:
    tree = TREES[name]
    checkpoint, hashes = await proofs.inclusions(connection, tree, list(rows), quorum)
    proved = [
        ProvedEntry(tree=name, position=at, entry=tree.entry(row), proof=hashes[at], data=_long(row["data"]))
        for at, row in rows.items()
    ]
    return checkpoint, proved


def _long(data: bytes) -> bytes | UnsetType:
    return data if len(data) > MOST_DATA else UNSET
