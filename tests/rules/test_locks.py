"""The numbers of the advisory locks: each stands once in the code, and the schema's SQL uses the same ones."""

import re
from pathlib import Path

from events import locks

ROOT = Path(__file__).parents[2]
NUMBERED = re.compile(r"advisory\w*lock(?:_shared)?\((\d+)[,)]")
NUMBERS = {name: value for name, value in vars(locks).items() if name.isupper()}


def in_files(kind: str) -> dict[str, list[int]]:
    """The lock numbers that stand in the files of this kind, by file, in their order."""
    found = {
        path.name: [int(number) for number in NUMBERED.findall(path.read_text())]
        for package in ("events", "projections", "service")
        for path in (ROOT / package).rglob(kind)
    }
    return {name: numbers for name, numbers in found.items() if numbers}


def test_no_two_locks_have_one_number():
    assert len(set(NUMBERS.values())) == len(NUMBERS) == 14


def test_the_schema_takes_the_same_locks_as_the_code():
    assert in_files("*.sql") == {
        "0001_log.sql": [locks.EVENTS],
        "0002_issuance.sql": [locks.ISSUANCE, locks.PARTITIONS],
        "0004_append.sql": [locks.EVENTS, locks.ISSUANCE],
        "0011_append_with_tokens.sql": [locks.EVENTS],
        "0013_rows.sql": [locks.EVENTS],
        "0014_fresh_streams.sql": [locks.EVENTS, locks.ISSUANCE],
        "0007_retention.sql": [locks.PARTITIONS],
    }


def test_no_code_names_a_lock_by_its_number():
    assert not in_files("*.py")


def test_the_queries_say_which_lock_and_for_how_long():
    assert locks.in_transaction(locks.EVENTS) == "select pg_advisory_xact_lock(4701)"
    assert locks.in_session(locks.KEYS) == "select pg_advisory_lock(4704)"
    assert locks.in_session_if_free(locks.BACKCHANNEL) == "select pg_try_advisory_lock(4706)"
    assert locks.of_name_if_free(locks.FOLLOWER) == "select pg_try_advisory_lock(4707, hashtext($1))"
    free, given_up = locks.of_name_is_free(locks.FOLLOWER_APART), locks.of_name_given_up(locks.FOLLOWER)
    assert free == "select pg_try_advisory_xact_lock_shared(4714, hashtext($1))"
    assert given_up == "select pg_advisory_unlock(4707, hashtext($1))"
