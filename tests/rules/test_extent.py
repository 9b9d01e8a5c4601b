"""A page of a log."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from events.extent import Extent

EXTENTS = st.builds(
    lambda after, length, limit, newest: Extent(after=after, upto=after + length, limit=limit, newest_first=newest),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    st.integers(1, 1001),
    st.booleans(),
)


@given(EXTENTS)
def test_the_steps_of_an_extent_are_the_whole_of_it_in_its_order(extent: Extent):
    steps = list(extent.steps())
    ends = [(step.upto, step.after) if extent.newest_first else (step.after, step.upto) for step in steps]
    first, last = (extent.upto, extent.after) if extent.newest_first else (extent.after, extent.upto)
    assert [first, *(end for _, end in ends)] == [*(begin for begin, _ in ends), last]
    assert all(step.upto - step.after > 0 for step in steps)


@given(EXTENTS)
def test_a_page_that_is_soon_full_reads_little_more_and_a_step_is_at_most_eight_times_the_one_before(extent: Extent):
    lengths = [step.upto - step.after for step in extent.steps()]
    assert lengths[:1] <= [2 * extent.limit]
    assert all(later <= 8 * earlier for earlier, later in pairwise(lengths))
