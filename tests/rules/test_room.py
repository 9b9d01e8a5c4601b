"""Those who wait for a commit are answered soon, and nothing is refused because the database is slow or halts."""

from collections.abc import Callable

import pytest

from events.room import FEW, LONG_SECONDS, Room

MOST, LIMIT = 1024, 512
RATE = 8_000.0
"""What the database commits in a second at most, but for its round trips."""

Halt = Callable[[float], float]


def never(_: float) -> float:
    return 0.0


def each_second(now: float) -> float:
    """200 ms of each second."""
    return 0.2 if now % 1 > 0.5 >= (now - 0.01) % 1 else 0.0


class Load:
    """So many come in each second, evenly. A flush takes its round trip, the time of its items, and what the database halts meanwhile."""

    def __init__(self, rate: float, seconds: float = 10.0, *, trip: float = 0.002, halt: Halt = never) -> None:
        self.room, self.refused, self.waited = Room(MOST), 0, list[tuple[float, float]]()
        now, came, waiting = 0.0, 0, [0.0]
        while now < seconds:
            most = self.room.next(LIMIT)
            batch, waiting = waiting[:most], waiting[most:]
            begun, now = now, now + trip + len(batch) / RATE + halt(now)
            for number in range(came, int(now * rate)):
                if len(waiting) < self.room.bound:
                    waiting.append(number / rate)
                else:
                    self.refused += 1
            came = int(now * rate)
            self.waited += ((at, now - at) for at in batch)
            self.room.flushed(len(batch), begun, now, left=len(waiting))
            if not waiting:
                came += 1
                waiting, now = [came / rate], max(now, came / rate)

    def longest(self, *, after: float = 0.0) -> float:
        return max(waited for at, waited in self.waited if at >= after)


@pytest.mark.parametrize("times", [1.25, 1.5, 2.0, 3.0])
def test_at_more_than_the_rate_nobody_waits_for_long_and_the_database_is_not_idle(times: float):
    load = Load(RATE * times)
    assert load.longest(after=0.5) < LONG_SECONDS * 3
    assert len(load.waited) / 10.0 > RATE * 0.85


def test_at_twice_the_rate_not_even_those_wait_for_long_who_came_first():
    assert Load(RATE * 2).longest() < 0.1


@pytest.mark.parametrize("trip", [0.0005, 0.002, 0.02, 0.06])
@pytest.mark.parametrize("halt", [never, each_second])
def test_at_half_the_rate_nothing_is_refused_although_the_database_is_slow_or_halts(trip: float, halt: Halt):
    load = Load(3_300.0, trip=trip, halt=halt)
    assert load.refused == 0
    assert load.room.bound == MOST


def test_callers_that_ask_again_at_once_are_found_although_they_come_in_two_turns():
    room, ended = Room(MOST), 0.0
    for left in (500, 300) * 10:
        size = 800 - left
        begun, ended = ended, ended + size / RATE
        room.flushed(size, begun, ended, left=left)
    assert room.bound < 200


def test_a_database_that_halts_while_a_queue_stands_takes_no_more_room():
    def at_five(now: float) -> float:
        return 0.3 if now > 5.0 >= now - 0.03 else 0.0

    calm, halted = Load(RATE * 2, 5.5), Load(RATE * 2, 5.5, halt=at_five)
    assert halted.room.bound >= calm.room.bound * 0.9


@pytest.mark.parametrize(("rate", "least"), [(3_300.0, 3_200), (RATE * 2, 4_000)])
def test_a_disk_that_becomes_slow_is_found_within_two_seconds(rate: float, least: int):
    """Each commit takes 30 ms more, which is no reason to let fewer wait."""
    load = Load(rate, 6.0, halt=lambda now: 0.03 if now > 2.0 else 0.0)
    assert sum(at > 4.0 for at, _ in load.waited) / 2.0 > least


def test_there_is_always_room_for_few_and_it_doubles_in_a_second_until_only_few_come():
    room = Room(MOST)
    for number in range(20):
        room.flushed(500, number * 10.0, number * 10.0 + 10.0, left=500)
    assert room.bound <= FEW * 2
    before = room.bound
    assert room.next(LIMIT) == FEW
    room.flushed(FEW + 1, 200.0, 201.0, left=0)
    assert room.bound == before * 2
    room.flushed(FEW, 201.0, 201.001, left=FEW)
    assert room.bound == MOST
    assert room.next(LIMIT) == LIMIT


def test_as_many_as_ever_may_come_at_once_after_a_time_in_which_nobody_came():
    room = Room(MOST)
    for number in range(20):
        room.flushed(500, number * 10.0, number * 10.0 + 10.0, left=500)
    assert room.bound <= FEW * 2
    room.rested(201.0)
    assert room.bound <= FEW * 4, "it doubles in a second"
    room.rested(300.0)
    assert room.bound == MOST


@pytest.mark.parametrize(("many", "seconds"), [(700, 0.2), (900, 0.3), (1000, 1.0)])
def test_of_many_who_come_at_once_again_and_again_none_is_refused_if_all_are_flushed_in_between(
    many: int, seconds: float
):
    room = Room(MOST)
    for number in range(50):
        now, waiting = number * seconds, many
        room.rested(now)
        assert room.bound >= waiting
        while waiting:
            size = min(waiting, room.next(LIMIT))
            begun, waiting, now = now, waiting - size, now + 0.001 + size / RATE
            room.flushed(size, begun, now, left=waiting)
