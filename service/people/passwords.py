"""People's passwords: which are good enough (NIST SP 800-63B section 5.1.1.2), and hashing them (argon2id, RFC 9106)."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from events.database import Unavailable
from service.refusals import InvalidValue
from service.vault.personal_data import normalised

LEAST, MOST = 8, 256
"""Characters, after NFKC."""

MOST_TYPED = 1024
"""Characters before it: normalising takes time that grows with the square of the length, so what is longer is not normalised."""

HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
"""RFC 9106's second recommended option (64 MiB, three passes, four lanes), scaled to a server of few cores that issues tokens at
the same time: three passes over 32 MiB in one lane. That is twice the memory and more passes than OWASP's least, takes some 60 ms
of one core, and two at a time take no more than 64 MiB of a process.
"""

THREADS = 2
MOST_WAITING = 32
"""Whoever came after these would wait for more than a second; they are told to come again."""

NOBODYS = "$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}".format(
    m=HASHER.memory_cost, t=HASHER.time_cost, p=HASHER.parallelism, salt="A" * 22, hash="A" * 43
)
"""A hash that no password has, and that takes as long as any to find that out."""

COMMON = frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").split())
Answer = TypeVar("Answer")


class WeakPassword(InvalidValue):
    """The password cannot be taken; the detail says why, in a sentence that can follow "The password"."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"The password {fault}.", {"password": [fault]})


def checked(password: str, email: str | None) -> str:
    """The password as it is hashed. Raises WeakPassword."""
    fault = fault_of(password, email)
    if fault is not None:
        raise WeakPassword(fault)
    return _normalised(password)


def fault_of(password: str, email: str | None) -> str | None:
    """Why nobody may have this password, or None. There are no rules of composition: length is what counts."""
    given = _normalised(password[:MOST_TYPED])
    if len(given) < LEAST:
        return f"must have at least {LEAST} characters"
    if len(given) > MOST or len(password) > MOST_TYPED:
        return f"must have at most {MOST} characters"
    if given.casefold() in COMMON or len(set(given)) == 1:
        return "is too easy to guess; choose another"
    address = normalised(email or "")
    if given.casefold() in (address, address.partition("@")[0]):
        return "must not be your email address"
    return None


class Passwords:
    """Hashes and verifies in threads of its own, a bounded number at a time. One per process."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._asked = 0

    async def hash(self, password: str) -> str:
        """Raises Unavailable when too many wait already."""
        return await self._run(lambda: HASHER.hash(_bytes(password)))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Whether this is the password of that hash. Takes the same time when there is none (None). Raises Unavailable."""
        given = _normalised(password[:MOST_TYPED])
        possible = kept is not None and len(given) <= MOST and len(password) <= MOST_TYPED
        return await self._run(lambda: _verified(kept or NOBODYS, _bytes(given[:MOST]))) and possible

    def is_old(self, kept: str) -> bool:
        """Whether it was hashed with other parameters than those of today."""
        return HASHER.check_needs_rehash(kept)

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        if self._asked >= THREADS + MOST_WAITING:
            raise Unavailable("too many passwords are being checked")
        self._asked += 1
        begun = self._executor.submit(work)
        loop = asyncio.get_running_loop()
        # When the work is done, not when its caller is: a caller that is cancelled leaves the thread at work.
        begun.add_done_callback(lambda _: _told(loop, self._finished))
        return await asyncio.wrap_future(begun)

    def _finished(self) -> None:
        self._asked -= 1


def _told(loop: asyncio.AbstractEventLoop, finished: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(finished)


def _verified(kept: str, password: bytes) -> bool:
    try:
        return HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def _normalised(password: str) -> str:
    """One password, however the keyboard composed its characters."""
    return unicodedata.normalize("NFKC", password)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
