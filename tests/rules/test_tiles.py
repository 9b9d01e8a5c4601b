"""The tiles of a tree, appended run by run as the log grows."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.transparency.tree import Place
from projections.catch_up import LeafRun
from projections.tiles import Row, project
from tests.rules.test_tree import large, leaves, tiles


class Table(dict[tuple[int, int], Row]):
    """What the engine does with a projection's rows."""

    def find(self, height: int, number: int) -> Row | None:
        return self.get((height, number))

    def take_in(self, first: int, hashes: list[bytes]) -> None:
        for row in project(LeafRun(first=first, hashes=b"".join(hashes)), self.find):
            self[row.height, row.number] = row

    @property
    def by_place(self) -> dict[Place, bytes]:
        return {Place(*place): row.hashes for place, row in self.items()}


@given(st.lists(st.integers(1, 256), min_size=1, max_size=12))
def test_tiles_that_grow_by_runs_are_those_of_the_definition(lengths):
    table, made = Table(), leaves(sum(lengths))
    ends = {*accumulate(lengths), *range(256, sum(lengths), 256)}
    for first, end in pairwise(sorted({0, *ends})):
        table.take_in(first, made[first:end])
    assert table.by_place == tiles(made)


def test_the_root_of_a_full_tile_belongs_to_the_tile_above_and_so_on():
    table, (made, found) = Table(), large()
    for first in range(0, len(made), 256):
        table.take_in(first, made[first : first + 256])
    assert table.by_place == found
    assert {place.height for place in found} == {0, 4, 8, 12, 16}


def test_a_tile_that_lacks_what_comes_before_is_an_error():
    with pytest.raises(ValueError, match="row 0 at height 0 does not have 3 hashes"):
        Table().take_in(3, leaves(1))
