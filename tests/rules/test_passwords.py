"""Which passwords are good enough, and how they are hashed."""

from pathlib import Path

import pytest

from service.people import passwords
from service.people.passwords import COMMON, HASHER, LEAST, MOST, NOBODYS, WeakPassword, checked, fault_of

EMAIL = "ada.lovelace@example.com"


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        pytest.param("x7" * (LEAST // 2 - 1) + "y", "at least", id="one character too few"),
        pytest.param("x7" * (LEAST // 2), None, id="eight characters are enough"),
        pytest.param("x7" * (MOST // 2), None, id="and 256"),
        pytest.param("x7" * (MOST // 2) + "y", "at most", id="one character too many"),
        pytest.param(
            "e" + "\u0301" * 30_000 + "\u0316" * 30_000, "at most", id="far too many, without looking at them all"
        ),
        pytest.param("x7" * 4 + "\u115f\u1160" * 600, "at most", id="too many before NFKC"),
        pytest.param("ﬁﬁﬁx", "at least", id="characters are counted after NFKC: seven"),
        pytest.param("ﬁﬁﬁxy", None, id="and eight"),
        pytest.param("password", "too easy to guess", id="the most common one"),
        pytest.param("PassWord1", "too easy to guess", id="in whatever case"),
        pytest.param("pa\uff53\uff53word", "too easy to guess", id="in whatever width"),
        pytest.param("zzzzzzzzzz", "too easy to guess", id="one character over and over"),
        pytest.param(EMAIL, "email address", id="the e-mail address"),
        pytest.param("Ada.Lovelace@EXAMPLE.com", "email address", id="the e-mail address in another case"),
        pytest.param("ada.lovelace", "email address", id="what stands before its @"),
        pytest.param("correct horse battery", None, id="a sentence"),
        pytest.param("nocapitalsnodigits", None, id="no rule of composition"),
        pytest.param("пароль по-русски", None, id="any script"),
    ],
)
def test_a_password_is_taken_by_its_length_unless_it_is_guessed_first(password: str, fault: str | None):
    told = fault_of(password, EMAIL)
    assert (told is None) == (fault is None)
    assert fault is None or fault in str(told)


def test_a_weak_password_is_a_fault_of_its_field_and_is_not_repeated():
    with pytest.raises(WeakPassword) as refused:
        checked("hunter2", EMAIL)
    assert refused.value.faults == {"password": ["must have at least 8 characters"]}
    assert refused.value.detail == "The password must have at least 8 characters."


def test_the_same_password_is_the_same_however_it_was_composed():
    assert checked("cafe\u0301 noir", None) == checked("caf\u00e9 noir", None)


async def test_what_is_far_too_long_is_nobody_s_password_though_it_begins_as_one():
    theirs = passwords.Passwords()
    given = "e\u0301\u0316" * (MOST // 2)
    kept = await theirs.hash(checked(given, None))
    assert await theirs.verify(kept, given)
    assert not await theirs.verify(kept, given + "\u0301" * passwords.MOST_TYPED)
    theirs.close()


def test_the_list_of_common_ones_has_no_line_that_is_refused_or_missed_anyway():
    lines = (Path(passwords.__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").split()
    assert len(lines) == len(COMMON) >= 200
    assert all(len(line) >= LEAST and line == line.casefold() for line in lines)


def test_a_hash_is_argon2id_of_at_least_the_memory_and_passes_that_owasp_asks_for():
    hashed = HASHER.hash("correct horse battery")
    assert hashed.startswith("$argon2id$v=19$m=32768,t=3,p=1$")
    assert HASHER.memory_cost >= 19 * 1024
    assert HASHER.time_cost >= 2
    assert not HASHER.check_needs_rehash(hashed)


async def test_nobody_s_hash_costs_what_any_costs_and_is_no_password_s():
    assert not HASHER.check_needs_rehash(NOBODYS)
    kept = passwords.Passwords()
    for password in ("", "password", "A" * 22):
        assert not await kept.verify(None, password)
        assert not await kept.verify(NOBODYS, password)
    kept.close()
