"""The mathematics of the Merkle tree, against the definitions of RFC 6962 section 2.1 as they stand there."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.transparency import tree
from events.transparency.tree import HASH_BYTES, MissingRow, Place, Range, Slice

Leaves = Sequence[bytes]
SIZES = [*range(18), 255, 256, 257, 511, 512, 513, 700]


def leaves(size: int) -> list[bytes]:
    return [sha256(b"\0" + str(number).encode()).digest() for number in range(size)]


def split(size: int) -> int:
    middle = 1
    while middle * 2 < size:
        middle *= 2
    return middle


def mth(d: Leaves) -> bytes:
    if not d:
        return sha256(b"").digest()
    if len(d) == 1:
        return d[0]
    k = split(len(d))
    return sha256(b"\1" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: Leaves) -> list[bytes]:
    if len(d) == 1:
        return []
    k = split(len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: Leaves, *, complete: bool = True) -> list[bytes]:
    if m == len(d):
        return [] if complete else [mth(d)]
    k = split(len(d))
    if m <= k:
        return [*subproof(m, d[:k], complete=complete), mth(d[k:])]
    return [*subproof(m - k, d[k:], complete=False), mth(d[:k])]


def tiles(d: Leaves) -> dict[Place, bytes]:
    """By the formula of C2SP tlog-tiles, and the same half-way between two levels."""
    found: dict[Place, bytes] = {}
    height, hashes = 0, list(d)
    while hashes:
        for number in range(-(-len(hashes) // 256)):
            found[Place(height, number)] = b"".join(hashes[number * 256 : (number + 1) * 256])
        height += 4
        hashes = [mth(d[at << height : (at + 1) << height]) for at in range(len(d) >> height)]
    return found


def parts(found: Mapping[Place, bytes], ranges: Iterable[Range]) -> dict[Place, Slice]:
    """Nothing but what the ranges need."""
    return {
        place: Slice(first, found[place][first * HASH_BYTES : end * HASH_BYTES])
        for place, (first, end) in tree.places(ranges).items()
    }


def whole(found: Mapping[Place, bytes]) -> dict[Place, Slice]:
    return {place: Slice(0, hashes) for place, hashes in found.items()}


@pytest.mark.parametrize("size", SIZES)
def test_a_root_is_that_of_the_definition(size):
    d = leaves(size)
    assert tree.root(size, parts(tiles(d), [(0, size)])) == mth(d)


def test_roots_of_growing_trees_are_those_of_each():
    sizes = [*range(20), 255, 256, 257, 300, 511, 512, 600]
    d = leaves(600)
    assert list(tree.roots(sizes, whole(tiles(d)))) == [mth(d[:size]) for size in sizes]


@cache
def large() -> tuple[list[bytes], dict[Place, bytes]]:
    """66,000 leaves, whose tree has three levels of tiles, and these. They take a second, which no collection of tests should pay."""
    d = leaves(66_000)
    return d, tiles(d)


@given(st.data())
def test_proofs_of_a_large_tree_come_from_its_tiles_and_are_those_of_the_definition(data):
    size = data.draw(st.sampled_from([1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 66_000]) | st.integers(1, 66_000))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    included, extended = tree.inclusion_ranges(index, size), tree.consistency_ranges(old, size)
    d, found = large()
    needed = parts(found, [(0, size), (0, old), *included, *extended])
    root, proof = tree.root(size, needed), tree.hashes(included, needed)
    assert tree.includes(root, size, index, d[index], proof)
    assert tree.extends(old, tree.root(old, needed), size, root, tree.hashes(extended, needed))
    assert len(needed) <= 4 * 5 * 2, "a proof reads a few rows, however large the tree is"


@pytest.mark.parametrize("size", [size for size in SIZES if size])
def test_proofs_are_those_of_the_definition(size):
    d = leaves(size)
    found, root = whole(tiles(d)), mth(d)
    for index in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
        proof = tree.hashes(tree.inclusion_ranges(index, size), found)
        assert proof == path(index, d)
        assert tree.includes(root, size, index, d[index], proof)
    for old in {1, 2, 3, size // 2, size - 1, size} & set(range(1, size + 1)):
        proof = tree.hashes(tree.consistency_ranges(old, size), found)
        assert proof == subproof(old, d)
        assert tree.extends(old, mth(d[:old]), size, root, proof)


@given(st.integers(1, 40), st.data())
def test_no_proof_holds_for_another_leaf_place_size_or_root(size, data):
    d = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    root, proof = mth(d), path(index, d)
    other = sha256(b"other").digest()
    assert not tree.includes(root, size, index, other, proof)
    assert not tree.includes(other, size, index, d[index], proof)
    assert not tree.includes(root, size, index, d[index], [*proof, other])
    assert not tree.includes(root, size, size, d[index], proof)
    for at in range(len(proof)):
        assert not tree.includes(root, size, index, d[index], [*proof[:at], other, *proof[at + 1 :]])
        assert not tree.includes(root, size, index, d[index], [*proof[:at], *proof[at + 1 :]])
    for elsewhere in set(range(size)) - {index}:
        assert not tree.includes(root, size, elsewhere, d[index], proof)


@given(st.integers(2, 40), st.data())
def test_no_proof_of_consistency_holds_for_another_history(size, data):
    d = leaves(size)
    old = data.draw(st.integers(1, size - 1))
    before, root, proof = mth(d[:old]), mth(d), subproof(old, d)
    other = sha256(b"other").digest()
    assert not tree.extends(old, other, size, root, proof)
    assert not tree.extends(old, before, size, other, proof)
    assert not tree.extends(old, before, size, root, [*proof, other])
    assert not tree.extends(old, before, size, root, [])
    assert not tree.extends(size, root, old, before, proof)
    for at in range(len(proof)):
        assert not tree.extends(old, before, size, root, [*proof[:at], other, *proof[at + 1 :]])


def test_every_tree_extends_the_empty_one_and_itself_without_a_proof():
    root = mth(leaves(3))
    assert tree.extends(0, tree.EMPTY_ROOT, 3, root, [])
    assert tree.extends(3, root, 3, root, [])
    assert not tree.extends(3, root, 3, mth(leaves(2)), [])
    assert not tree.extends(0, tree.EMPTY_ROOT, 3, root, [root])
    assert not tree.extends(0, tree.EMPTY_ROOT, 0, root, [])


def test_a_row_that_is_missing_too_short_or_begins_too_late_is_named():
    found = whole(tiles(leaves(300)))
    row = found[Place(0, 1)]
    for there in (None, Slice(0, row.hashes[:-32]), Slice(42, row.hashes[42 * 32 :])):
        rest = {place: each for place, each in found.items() if place != Place(0, 1)}
        with pytest.raises(MissingRow, match="row 1 at height 0"):
            tree.root(300, rest if there is None else {**rest, Place(0, 1): there})
