"""Pages are read ahead: the next one is asked for before this one is worked on, and none is after the reader stopped."""

import asyncio
import gc
from contextlib import ExitStack

import pytest

from events import ahead
from tests.patience import turns_of_others


class Asked:
    """A source of pages of numbers, one question at a time."""

    def __init__(self, *pages: list[int]) -> None:
        self.questions = 0
        self._pages = iter(pages)
        self._busy = False

    async def __call__(self) -> list[int]:
        assert not self._busy
        self.questions += 1
        self._busy = True
        try:
            await asyncio.sleep(0)
            return next(self._pages, [])
        finally:
            self._busy = False


async def test_the_next_page_is_asked_for_before_this_one_is_worked_on():
    asked, seen = Asked([1, 2], [3], [4]), list[tuple[list[int], int]]()
    async with ahead.pages(asked) as pages:
        async for page in pages:
            seen.append((page, asked.questions))
    assert seen == [([1, 2], 2), ([3], 3), ([4], 4)]


async def test_a_page_comes_in_parts_and_what_is_sent_of_the_next_one_is_read_between_them():
    asked, seen = Asked(list(range(2 * ahead.AT_ONCE + 1)), []), list[tuple[int, int]]()
    with turns_of_others() as turns:
        async with ahead.pages(asked) as pages:
            async for part in pages:
                seen.append((len(part), turns()))
    assert [length for length, _ in seen] == [ahead.AT_ONCE, ahead.AT_ONCE, 1]
    assert [turn - seen[0][1] for _, turn in seen] == [0, 1, 2]


async def test_a_reader_that_stops_leaves_no_question_behind():
    asked = Asked([1], [2], [3])
    async with ahead.pages(asked) as pages:
        async for _ in pages:
            break
    assert asked.questions == 2
    assert await asked() == [2]  # the one that was on its way was given up


async def test_a_fault_is_that_of_its_page():
    async def ask() -> list[int]:
        raise ValueError("unreadable")

    with pytest.raises(ValueError, match="unreadable"):
        async with ahead.pages(ask) as pages:
            await anext(pages)


def test_the_first_of_several_ends_what_is_collected_seldom():
    before = gc.get_threshold()
    with ahead.collected_seldom(), ahead.collected_seldom():
        assert gc.get_threshold() == (ahead.SELDOM, *before[1:])
    with ExitStack() as first, ExitStack() as other:
        first.enter_context(ahead.collected_seldom())
        other.enter_context(ahead.collected_seldom())
        first.close()
        assert gc.get_threshold() == before
    assert gc.get_threshold() == before
