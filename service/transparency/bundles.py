"""The tiles and the entry bundles that are served. Bundles are rendered from the log when they are read, and stored nowhere."""

from events.database import AnyConnection
from events.replay import head
from events.transparency import trees
from events.transparency.entries import bundle
from events.transparency.tile_path import Tile
from events.transparency.tree import HASH_BYTES, WIDTH
from events.transparency.trees import Tree
from projections import tiles
from service.refusals import DoesNotExist


async def content(connection: AnyConnection, of: Tree, tile: Tile) -> bytes:
    """Return the hashes of the tile, or its entries. Raises DoesNotExist."""
    return await (_entries if tile.entries else _hashes)(connection, of, tile)


async def _hashes(connection: AnyConnection, of: Tree, tile: Tile) -> bytes:
    found = await tiles.find(connection, of.tiles, {tile.place: (0, tile.width)})
    hashes = found[tile.place].hashes if found else b""
    if len(hashes) < tile.width * HASH_BYTES:
        there = len(hashes) // HASH_BYTES
        partial = f" It has {there} of {tile.width} hashes: ask for .p/{there}." if there else ""
        raise DoesNotExist(f"The tree over the {of.of} has no such tile yet.{partial}")
    return hashes


async def _entries(connection: AnyConnection, of: Tree, tile: Tile) -> bytes:
    first = tile.place.number * WIDTH
    end = (await head(connection, of.batches)).position
    if first + tile.width > end:
        raise DoesNotExist(f"The {of.of} ends at position {end}; this bundle begins at position {first + 1}.")
    found = await trees.entries(connection, of, first, first + tile.width)
    if len(found) < tile.width:
        raise DoesNotExist(
            "Entries of this bundle were deleted after their time of retention. Their hashes are in the tile."
        )
    return bundle(found)
