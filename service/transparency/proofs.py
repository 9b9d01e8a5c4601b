"""Proofs from the tiles and the kept checkpoints: that an event is in the log, and that a log is the beginning of a later one."""

from collections.abc import Sequence

from msgspec import Struct

from events.database import AnyConnection, NotReached, Unavailable
from events.replay import head
from events.transparency import kept, proofs, tree, trees
from events.transparency.kept import Kept
from events.transparency.quorum import NO_QUORUM, Quorum
from events.transparency.tree import MissingRow, Range
from events.transparency.trees import Tree
from events.waiting import in_turns
from projections import tiles
from service.refusals import DoesNotExist, InvalidValue

QUORUM = "Muniment-Quorum"
"""The header that says whether the checkpoint has its quorum of witnesses, if one is required."""

AT_ONCE = 250
"""The most ranges whose hashes are computed before other requests have their turn. The proofs of a client with a long past have thousands."""

NO_QUORUM_YET = "The checkpoint does not have its quorum of witnesses: no checkpoint with a quorum covers this, or it was lost long ago."


class Proof(Struct, frozen=True, kw_only=True):
    """`has_quorum` is that of its checkpoint."""

    text: bytes
    has_quorum: bool | None = None


class NotYet(NotReached):
    """No checkpoint covers the position yet."""


async def inclusion(
    connection: AnyConnection, of: Tree, position: int, quorum: Quorum = NO_QUORUM, *, with_entry: bool = False
) -> Proof:
    """Return the proof that the entry at this position is in the tree, with the newest checkpoint: one that has its quorum, if one covers it.

    `with_entry` puts the entry itself into it, unless it was deleted after its time of retention.

    Raises DoesNotExist, InvalidValue, NotYet.
    """
    if position < 1:
        raise InvalidValue(f"The first position of the {of.of} is 1.")
    checkpoint = await _covering(connection, of, position, quorum)
    ranges = tree.inclusion_ranges(position - 1, checkpoint.size)
    hashes = await _hashes(connection, of, ranges)
    entry = b"".join(await trees.entries(connection, of, position - 1, position)) if with_entry else b""
    text = proofs.inclusion(proofs.Inclusion(position - 1, hashes, checkpoint.note, entry))
    return Proof(text=text, has_quorum=checkpoint.has_quorum)


async def inclusions(
    connection: AnyConnection, of: Tree, positions: Sequence[int], quorum: Quorum
) -> tuple[Kept, dict[int, tuple[bytes, ...]]]:
    """Return one checkpoint, and for each position the hashes that prove its inclusion. Raises DoesNotExist, NotYet."""
    checkpoint = await _covering(connection, of, max(positions), quorum)
    ranges = {position: tree.inclusion_ranges(position - 1, checkpoint.size) for position in positions}
    every = list({each for wanted in ranges.values() for each in wanted})  # the proofs share many
    hashes = dict(zip(every, await _hashes(connection, of, every), strict=True))
    return checkpoint, {position: tuple(hashes[each] for each in wanted) for position, wanted in ranges.items()}


async def consistency(connection: AnyConnection, of: Tree, old: int, new: int) -> Proof:
    """Return the proof that the tree of the old size is the beginning of that of the new size, which has a checkpoint.

    Raises DoesNotExist, InvalidValue.
    """
    if old > new:
        raise InvalidValue(
            f"The first size ({old}) is larger than the second one ({new}): send them the other way round."
        )
    checkpoint = await kept.of_size(connection, of, new)
    if checkpoint is None:
        raise DoesNotExist(await _no_checkpoint(connection, of, new))
    hashes = await _hashes(connection, of, tree.consistency_ranges(old, new))
    return Proof(text=proofs.consistency(proofs.Consistency(old, hashes, checkpoint.note)))


def quorum_header(has_quorum: bool | None) -> dict[str, str]:
    return {} if has_quorum is None else {QUORUM: "met" if has_quorum else "not met"}


async def _covering(connection: AnyConnection, of: Tree, position: int, quorum: Quorum) -> Kept:
    witnessed = await kept.witnessed(connection, of, quorum)
    if witnessed is not None and witnessed.size >= position:
        return witnessed
    newest = await kept.without_quorum(connection, of, quorum)
    if newest is not None and newest.size >= position:
        return newest
    end = (await head(connection, of.batches)).position
    if position > end:
        raise DoesNotExist(f"The {of.of} ends at position {end}.")
    reached = newest.size if newest else 0
    raise NotYet(
        f"The newest checkpoint of the {of.of} is of size {reached}; the next one, which follows within seconds, covers {position}."
    )


async def _no_checkpoint(connection: AnyConnection, of: Tree, size: int) -> str:
    near = [await kept.upto_size(connection, of, size), await kept.from_size(connection, of, size)]
    sizes = " and ".join(str(each.size) for each in near if each is not None)
    return f"No checkpoint of the {of.of} has the size {size}." + (f" The nearest have {sizes}." if sizes else "")


async def _hashes(connection: AnyConnection, of: Tree, ranges: Sequence[Range]) -> tuple[bytes, ...]:
    """Return the hashes of these ranges. Raises Unavailable."""
    found = await tiles.find(connection, of.tiles, tree.places(ranges))
    computed: list[bytes] = []
    try:
        async for part in in_turns(ranges, AT_ONCE):
            computed += tree.hashes(part, found)
        return tuple(computed)
    except MissingRow as fault:
        raise Unavailable(f"{fault} of the tree over the {of.of} is missing; rebuild {of.tiles}") from fault
