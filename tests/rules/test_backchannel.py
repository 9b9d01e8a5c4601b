"""How often a client is told that a session is over, and with what pauses in between."""

from service.reactions.backchannel_logout import LONGEST_PAUSE_SECONDS, MOST_SECONDS, MOST_TRIES, Tries


def test_the_pauses_grow_to_a_minute_and_there_is_a_last_try():
    now, pauses = 1000.0, list[float]()
    tries = Tries(now)
    while not tries.failed(now):
        pauses.append(tries.next_at - now)
        now = tries.next_at
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert len(pauses) + 1 == MOST_TRIES
    assert max(pauses) == LONGEST_PAUSE_SECONDS


def test_after_ten_minutes_no_try_follows():
    for seconds, last in ((MOST_SECONDS - 1, False), (MOST_SECONDS, True)):
        tries = Tries(0.0)
        tries.begun(100.0)
        assert tries.failed(100.0 + seconds) is last


def test_the_wait_for_a_turn_is_no_part_of_the_ten_minutes():
    tries = Tries(0.0)
    tries.begun(MOST_SECONDS * 2.0)
    tries.begun(MOST_SECONDS * 3.0)
    assert tries.since == MOST_SECONDS * 2
    assert not tries.failed(MOST_SECONDS * 2.0 + 1)
