"""Making the checkpoints: the root of each tree, signed, whenever the tree has grown. Several processes make the same ones."""

import logging
from datetime import timedelta

from events.database import AnyConnection, Pool, read
from events.replay import Checkpoint
from events.transparency import kept, tree
from events.transparency.checkpoints import TreeHead, chain_line
from events.transparency.kept import Kept
from events.transparency.notes import Note
from events.transparency.quorum import Quorum
from events.transparency.tree import MissingRow
from events.transparency.trees import BOTH, Tree
from projections import registry, tiles
from projections.catch_up import CatchUp
from projections.engine import checkpoints
from service.transparency.log_key import LogKey

MOST_BEHIND = timedelta(seconds=10)
"""So long a checkpoint with a quorum is served instead of a newer one, which witnesses may be about to cosign."""

log = logging.getLogger("muniment.transparency")


class CheckpointMaker:
    """One per process. `look` is called every second."""

    def __init__(self, pool: Pool, key: LogKey) -> None:
        self._pool, self._key = pool, key
        self._fault = ""

    async def look(self) -> None:
        """Make a checkpoint of each tree that has grown."""
        for each in BOTH:
            await read(self._pool, lambda connection, each=each: self._look(connection, each))

    async def _look(self, connection: AnyConnection, of: Tree) -> None:
        signer = await self._key.signer(connection, of)
        reached, newest = await _reached(connection, of), await kept.newest(connection, of)
        if reached is None or (newest is not None and newest.size >= reached.position):
            return
        try:
            root = await root_of(connection, of, reached.position)
        except MissingRow as fault:
            self._say(f"no checkpoint of the {of.of} can be made: {fault} of its tree is missing; rebuild {of.tiles}")
            return
        head = TreeHead(origin=signer.name, size=reached.position, root=root, extensions=(chain_line(reached.chain),))
        note = str(Note(head.text, (signer.sign(head.text),))).encode()
        await kept.keep(connection, of, size=head.size, chain=reached.chain, root=root, note=note)

    def _say(self, fault: str) -> None:
        """Each fault once, for it comes again every second."""
        if fault != self._fault:
            self._fault = fault
            log.error("%s", fault)


async def served(connection: AnyConnection, of: Tree, quorum: Quorum) -> Kept | None:
    """Return the newest checkpoint that has its quorum, unless the newest of all is so much later that the quorum is lost."""
    newest, witnessed = await kept.without_quorum(connection, of, quorum), await kept.witnessed(connection, of, quorum)
    if newest is None or witnessed is None or newest.made_at - witnessed.made_at > MOST_BEHIND:
        return newest
    return witnessed


async def root_of(connection: AnyConnection, of: Tree, size: int) -> bytes:
    """Return the root of the tree of this size. Raises MissingRow."""
    return tree.root(size, await tiles.find(connection, of.tiles, tree.places([(0, size)])))


async def _reached(connection: AnyConnection, of: Tree) -> Checkpoint | None:
    """Return how far the tiles are, or None before they are followed."""
    projection = registry.PROJECTIONS[of.tiles]
    assert isinstance(projection, CatchUp)
    standing = await checkpoints.live(connection, projection)
    return None if standing is None else standing.reached
