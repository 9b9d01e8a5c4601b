"""Verifies the kept checkpoints: each agrees with its log, its tree and its key, and each cosignature with its checkpoint."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import asyncpg
from msgspec import Struct

from events.database import Connection
from events.transparency import notes, tree
from events.transparency.checkpoints import BadCheckpoint, TreeHead, chain_line, tree_head
from events.transparency.notes import ED25519, BadNote, Note, VerifierKey
from events.transparency.tree import MissingRow, Place, Slice
from events.transparency.trees import Tree
from events.verify import Fault
from projections import tiles
from service.transparency.log_key import LogKey

A_PAGE = 200
CHECKPOINTS = """
select c.size, c.root, c.note, b.chain from log.checkpoints c left join {batches} b on b.last_position = c.size
 where c.tree = $1 and c.size > $2 order by c.size limit $3
"""
COSIGNATURES = """
select size, name, key_id, line from log.cosignatures where tree = $1 and size > $2 and size <= $3 order by size, name, key_id
"""
END = 2**63 - 1


class Verified(Struct, frozen=True, kw_only=True):
    """How many agree. `signed` says whether the signatures were verified. The keys of the `strange` cosignatures are not known."""

    checkpoints: int = 0
    signed: bool = False
    cosignatures: int = 0
    strange: int = 0

    def __add__(self, other: "Verified") -> "Verified":
        return Verified(
            checkpoints=self.checkpoints + other.checkpoints,
            signed=self.signed,
            cosignatures=self.cosignatures + other.cosignatures,
            strange=self.strange + other.strange,
        )


async def verify(
    connection: Connection, of: Tree, key: LogKey | None, witnesses: Sequence[VerifierKey]
) -> AsyncIterator[Verified]:
    """Yield how many agree so far. Raises Fault, which names the first that does not, and WrongMasterKey.

    Without the key nothing is said of the signatures. Call it inside the transaction in which the log was verified: what is recorded
    agrees with the chain value that a checkpoint names, so only the tree is computed here, from its tiles.
    """
    known = {(each.name, each.key_id): each for each in witnesses}
    found, reached, public = Verified(signed=key is not None), -1, None
    query = CHECKPOINTS.format(batches=of.batches)
    while rows := await connection.fetch(query, of.name, reached, A_PAGE):
        if key is not None and public is None:
            public = await _public(connection, of, key, rows[0]["size"])
        upto = rows[-1]["size"]
        there = await _tiles(connection, of, [row["size"] for row in rows])
        roots = _roots(of, rows, there)
        verified = {row["size"]: _verified(of, row, roots, public) for row in rows}
        found += Verified(checkpoints=len(rows)) + await _cosigned(connection, of, (reached, upto), verified, known)
        reached = upto
        yield found
    await _cosigned(connection, of, (reached, END), {}, known)


async def _public(connection: Connection, of: Tree, key: LogKey, first: int) -> bytes:
    try:
        return (await key.signer(connection, of)).verifier.public
    except asyncpg.ReadOnlySQLTransactionError as fault:
        raise Fault(_name(of), first, "the key that signs checkpoints is gone from the vault") from fault


async def _tiles(connection: Connection, of: Tree, sizes: Sequence[int]) -> dict[Place, Slice]:
    if await connection.fetchval("select to_regclass($1)", f"read.{of.tiles}") is None:
        return {}
    return await tiles.find(connection, of.tiles, tree.places((0, size) for size in sizes))


def _roots(of: Tree, rows: Sequence[asyncpg.Record], there: Mapping[Place, Slice]) -> Iterator[bytes | str]:
    """Yield the root of the tree at each size, or why there is none."""
    try:
        yield from tree.roots((row["size"] for row in rows), there)
    except MissingRow as fault:
        yield f"{fault} of its tree is missing: rebuild {of.tiles}, then verify again"


def _verified(of: Tree, row: asyncpg.Record, roots: Iterator[bytes | str], public: bytes | None) -> Note:
    """Return the note of a checkpoint that agrees. Raises Fault."""
    try:
        note = notes.parsed(row["note"])
        head = tree_head(note)
    except (BadNote, BadCheckpoint) as fault:
        raise Fault(_name(of), row["size"], f"this is not a signed checkpoint: {fault}") from fault
    if what := _fault(of, row, head, roots) or _unsigned(note, head, public):
        raise Fault(_name(of), row["size"], what)
    return note


def _fault(of: Tree, row: asyncpg.Record, head: TreeHead, roots: Iterator[bytes | str]) -> str | None:
    if (head.size, head.root) != (row["size"], row["root"]):
        return "its text names another size or root than the one that is kept beside it"
    if row["chain"] is None:
        return f"no batch of the {of.of} ends here"
    if chain_line(row["chain"]) not in head.extensions:
        return f"its chain value is not that of the {of.of}"
    root = next(roots)
    if isinstance(root, str):
        return root
    return None if root == head.root else f"its root is not that of the tree over the {of.of}"


def _unsigned(note: Note, head: TreeHead, public: bytes | None) -> str | None:
    if public is None:
        return None
    key = VerifierKey(head.origin, ED25519, public)
    return None if any(key.verifies(each, note.text) for each in note.signatures) else "its signature is not by our key"


async def _cosigned(
    connection: Connection,
    of: Tree,
    sizes: tuple[int, int],
    verified: Mapping[int, Note],
    known: Mapping[tuple[str, bytes], VerifierKey],
) -> Verified:
    """Return how many cosignatures of these checkpoints agree. Raises Fault."""
    good, strange = 0, 0
    for size, name, key_id, line in await connection.fetch(COSIGNATURES, of.name, *sizes):
        witness = known.get((name, key_id))
        if size not in verified:
            raise Fault(_name(of), size, f"{name} cosigned a checkpoint that is gone")
        if witness is None:
            strange += 1
        elif not _is_by(witness, line, verified[size]):
            raise Fault(_name(of), size, f"the cosignature of {name} is not by its key, or not for this checkpoint")
        else:
            good += 1
    return Verified(cosignatures=good, strange=strange)


def _is_by(witness: VerifierKey, line: str, note: Note) -> bool:
    try:
        (cosignature,) = notes.signatures_of(line)
    except (BadNote, ValueError):
        return False
    return witness.verifies(cosignature, note.text)


def _name(of: Tree) -> str:
    return f"checkpoints of the {of.of}"
