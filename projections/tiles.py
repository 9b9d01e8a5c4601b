"""The tiles of a Merkle tree (C2SP tlog-tiles) as rows of a table: what both trees share.

A tile only grows at its right end, so a tile that has more hashes than a tree of some size needs begins with those that it needs.
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from events.database import AnyConnection
from events.transparency.tree import HASH_BYTES, STEP, WIDTH, Place, Range, Slice, complete_root
from projections.catch_up import LeafRun

GROUP = 1 << STEP
"""So many hashes of one height make one of the next height that is kept."""

KEY = ("height", "number")


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """`hashes` has 1 to 256 hashes of 32 bytes, of subtrees of the height."""

    height: int
    number: int
    hashes: bytes


def project(run: LeafRun, find: Callable[..., Row | None]) -> Iterable[Row]:
    """Yields the row with the new leaves, then that of each greater height at which they complete a subtree."""
    height, first, hashes = 0, run.first, run.hashes
    while hashes:
        row = _appended(height, *divmod(first, WIDTH), hashes, find)
        yield row
        end = row.number * WIDTH + len(row.hashes) // HASH_BYTES
        height, first, hashes = height + STEP, first // GROUP, _completed(row, first // GROUP, end // GROUP)


def _completed(row: Row, first: int, end: int) -> bytes:
    """Returns the roots of these groups of hashes, from the first up to, and not including, the end."""
    starts = (number * GROUP % WIDTH * HASH_BYTES for number in range(first, end))
    return b"".join(complete_root(row.hashes[start : start + GROUP * HASH_BYTES]) for start in starts)


def _appended(height: int, number: int, offset: int, hashes: bytes, find: Callable[..., Row | None]) -> Row:
    row = find(height, number) if offset else None
    before = row.hashes if row else b""
    if len(before) != offset * HASH_BYTES:
        raise ValueError(f"row {number} at height {height} does not have {offset} hashes, as it must have here")
    return Row(height=height, number=number, hashes=before + hashes)


async def find(connection: AnyConnection, table: str, places: Mapping[Place, Range]) -> dict[Place, Slice]:
    """Returns these parts of rows, as far as the table has them."""
    query = f"""
        select height, number, first, substring(hashes from first * {HASH_BYTES} + 1 for (past - first) * {HASH_BYTES})
          from read.{table} join unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[]) as w (height, number, first, past)
         using (height, number)
    """
    wanted = [(place.height, place.number, *part) for place, part in places.items()]
    rows = await connection.fetch(query, *([each[column] for each in wanted] for column in range(4)))
    return {Place(height, number): Slice(first, hashes) for height, number, first, hashes in rows}
