"""The paths of tiles and entry bundles, as C2SP tlog-tiles has them: LEVEL/NUMBER or entries/NUMBER, and .p/WIDTH if it is partial."""

import re

from msgspec import Struct

from events.transparency.tree import HEIGHT, WIDTH, Place

ENTRIES = "entries"
MOST_LEVEL = 63

_read = re.compile(
    r"(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
).fullmatch


class BadPath(Exception):
    """The path names no tile; the text of the error says what is wrong and what to do."""


class Tile(Struct, frozen=True):
    """A tile, or at level 0 its bundle of entries. `width` is the number of its hashes or entries."""

    place: Place
    width: int = WIDTH
    entries: bool = False

    @property
    def path(self) -> str:
        level = ENTRIES if self.entries else str(self.place.height // HEIGHT)
        groups = [f"{self.place.number % 1000:03}"]
        number = self.place.number // 1000
        while number:
            groups.insert(0, f"x{number % 1000:03}")
            number //= 1000
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"{level}/{'/'.join(groups)}{partial}"


def parsed(path: str) -> Tile:
    """Raises BadPath. A tile has one path, so a number with needless zeroes is refused."""
    found = _read(path)
    if found is None:
        raise BadPath(
            "A tile's path is LEVEL/NUMBER or entries/NUMBER, with .p/WIDTH if it is partial. The number has groups of three digits, "
            "all but the last after an x: 0/x001/x234/067."
        )
    level, groups, width = found.groups()
    place = Place(0 if level == ENTRIES else int(level) * HEIGHT, int(groups.replace("x", "").replace("/", "")))
    tile = Tile(place, int(width or WIDTH), level == ENTRIES)
    if place.height > MOST_LEVEL * HEIGHT:
        raise BadPath(f"A tile's level is a number from 0 to {MOST_LEVEL}.")
    if width and tile.width >= WIDTH:
        raise BadPath(
            "The width of a partial tile is a number from 1 to 255; the path of a full tile ends with its number."
        )
    if tile.path != path:
        raise BadPath(f"A tile's number has no needless zeroes: {tile.path}.")
    return tile
