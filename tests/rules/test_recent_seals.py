"""Seals that are made once for many requests, and soon forgotten."""

from uuid import UUID

from service.crypto.credentials import new_id
from service.crypto.sealing import Seal
from service.vault.recent_seals import MOST_SEALS, RecentSeals


async def test_a_seal_is_made_once_a_minute_for_each_key_of_each_user():
    made: list[tuple[UUID, bytes]] = []

    def make(user: UUID, wrapped: bytes) -> Seal:
        made.append((user, wrapped))
        return Seal(wrapped, "a test")

    recent, (ada, bob) = RecentSeals(make), (new_id(), new_id())
    assert recent.find(ada, b"one") is recent.find(ada, b"one")
    assert recent.find(ada, b"other") is not recent.find(bob, b"other")
    assert made == [(ada, b"one"), (ada, b"other"), (bob, b"other")]
    await recent.forget()
    recent.find(ada, b"one")
    assert made[3:] == [(ada, b"one")]


async def test_no_more_than_so_many_are_in_memory():
    recent = RecentSeals(lambda _, wrapped: Seal(wrapped, "a test"))
    first = recent.find(ada := new_id(), b"first")
    for number in range(MOST_SEALS):
        recent.find(ada, b"%d" % number)
    assert recent.find(ada, b"first") is not first
