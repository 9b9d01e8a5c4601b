"""What is made once of a user's data for many requests, and soon forgotten."""

from service.vault.recent import MOST, Recent


def test_a_thing_is_made_once_a_minute_of_each_key():
    made: list[str] = []

    def make(key: str) -> object:
        made.append(key)
        return object()

    recent = Recent(make)
    assert recent.find("ada") is recent.find("ada")
    assert recent.find("ada") is not recent.find("bob")
    assert made == ["ada", "bob"]
    recent.forget()
    recent.find("ada")
    assert made[2:] == ["ada"]


def test_that_there_is_nothing_is_found_once_too():
    made: list[str] = []
    recent = Recent(made.append)
    assert recent.find("ada") is recent.find("ada") is None
    assert made == ["ada"]


def test_no_more_than_so_many_are_in_memory():
    recent = Recent[int, object](lambda _: object())
    first = recent.find(-1)
    for number in range(MOST):
        recent.find(number)
    assert recent.find(-1) is not first
