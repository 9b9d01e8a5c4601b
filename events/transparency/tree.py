"""The mathematics of a Merkle tree (RFC 6962 section 2.1) over tiles of 256 hashes (C2SP tlog-tiles).

A tree is cut into ranges of leaves, and a range into complete subtrees, whose hashes stand in the rows of `Place`. So a root or a proof is
computed in three steps: which ranges, which parts of which rows (`places`), and the hashes of the ranges (`hashes`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from msgspec import Struct

HEIGHT = 8
WIDTH = 256
HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

STEP = 4
"""At each height that is a multiple of it, the hashes are kept, so that those of other subtrees are computed from eight at most."""

Range = tuple[int, int]
"""Leaves, or hashes of a row, from the first number up to, and not including, the second."""


class Place(Struct, frozen=True, order=True):
    """Where a row of 256 hashes is kept: the height of the subtrees that they are of, and the row's number among those of the height.

    A row at a multiple of 8 is a tile of C2SP.
    """

    height: int
    number: int


class Slice(Struct, frozen=True):
    """Concatenated hashes of a row, from that of this number on."""

    first: int
    hashes: bytes


class MissingRow(LookupError):
    """A row that is not there, or is too short."""

    def __init__(self, place: Place) -> None:
        super().__init__(f"row {place.number} at height {place.height}")


class Subtree(Struct, frozen=True):
    """The complete subtree over the leaves from `index * 2**height` to `(index + 1) * 2**height`."""

    height: int
    index: int

    @property
    def place(self) -> Place:
        return Place(self.height - self.height % STEP, self._first // WIDTH)

    @property
    def range(self) -> Range:
        """The numbers of its hashes in their row."""
        first = self._first % WIDTH
        return first, first + (1 << self.height % STEP)

    def hash(self, slices: Mapping[Place, Slice]) -> bytes:
        """Raises MissingRow."""
        place, (first, end) = self.place, self.range
        found = slices.get(place)
        if found is None or first < found.first:
            raise MissingRow(place)
        hashes = found.hashes[(first - found.first) * HASH_BYTES : (end - found.first) * HASH_BYTES]
        if len(hashes) != (end - first) * HASH_BYTES:
            raise MissingRow(place)
        return complete_root(hashes)

    @property
    def _first(self) -> int:
        """The number of its first hash among the hashes of the height at which they are kept."""
        return self.index << self.height % STEP


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def complete_root(hashes: bytes) -> bytes:
    """Returns the root over a power of two of concatenated hashes."""
    while len(hashes) > HASH_BYTES:
        pairs = range(0, len(hashes), 2 * HASH_BYTES)
        hashes = b"".join([sha256(b"\1" + hashes[at : at + 2 * HASH_BYTES]).digest() for at in pairs])
    return hashes


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Returns the ranges whose hashes prove that the leaf is in the tree of this size, from the leaf to the root (section 2.1.1)."""
    assert 0 <= index < size
    first, end = 0, size
    path: list[Range] = []
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    return path[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """Returns the ranges whose hashes prove that the tree of the old size is the beginning of the new one (section 2.1.2)."""
    assert 0 <= old <= new
    if old == 0:
        return []
    first, end = 0, new
    path: list[Range] = []
    while end != old:
        middle = first + _split(end - first)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    if first != 0:
        path.append((first, end))
    return path[::-1]


def places(ranges: Iterable[Range]) -> dict[Place, Range]:
    """Returns the rows that have the hashes of these ranges, with the part of each that has them."""
    found: dict[Place, Range] = {}
    for subtree in (subtree for each in ranges for subtree in _subtrees(each)):
        place, (first, end) = subtree.place, subtree.range
        known = found.get(place, (first, end))
        found[place] = min(first, known[0]), max(end, known[1])
    return found


def hashes(ranges: Iterable[Range], slices: Mapping[Place, Slice]) -> list[bytes]:
    """Returns the hash of each range. Raises MissingRow."""
    return [_hash(each, slices) for each in ranges]


def root(size: int, slices: Mapping[Place, Slice]) -> bytes:
    """Raises MissingRow."""
    return _hash((0, size), slices)


def roots(sizes: Iterable[int], slices: Mapping[Place, Slice]) -> Iterator[bytes]:
    """Yields the root of the tree of each size. What the trees share is computed once. Raises MissingRow."""
    known: dict[Subtree, bytes] = {}
    for size in sizes:
        subtrees = _subtrees((0, size))
        known |= {subtree: subtree.hash(slices) for subtree in subtrees if subtree not in known}
        yield _joined([known[subtree] for subtree in subtrees])


def includes(root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Returns whether the proof shows that the leaf is in the tree (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            computed = node(sibling, computed)
            at, last = _up_to_odd(at, last)
        else:
            computed = node(computed, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and computed == root


def extends(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Returns whether the proof shows that the old tree is the beginning of the new one (RFC 9162 section 2.1.4.2)."""
    if old in (0, new):
        return not proof and (old == 0 < new or old_root == new_root)
    if not 0 < old < new or not proof:
        return False
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node(sibling, before), node(sibling, after)
            at, last = _up_to_odd(at, last)
        else:
            after = node(after, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _up_to_odd(at: int, last: int) -> tuple[int, int]:
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


def _split(size: int) -> int:
    """Returns the largest power of two that is smaller than the size."""
    return 1 << (size - 1).bit_length() - 1


def _subtrees(leaves: Range) -> list[Subtree]:
    """Returns the complete subtrees that the range consists of, from left to right. A range begins at a multiple of its first one."""
    first, end = leaves
    found: list[Subtree] = []
    while first < end:
        height = (end - first).bit_length() - 1
        found.append(Subtree(height, first >> height))
        first += 1 << height
    return found


def _hash(leaves: Range, slices: Mapping[Place, Slice]) -> bytes:
    return _joined([subtree.hash(slices) for subtree in _subtrees(leaves)])


def _joined(found: Sequence[bytes]) -> bytes:
    """Returns the hash over subtrees, which are in order from left to right."""
    if not found:
        return EMPTY_ROOT
    computed = found[-1]
    for left in found[-2::-1]:
        computed = node(left, computed)
    return computed
