"""The users' passwords: which are accepted (NIST SP 800-63B section 5.1.1.2), and how they are hashed (argon2id, RFC 9106)."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from events.database import Overloaded
from service.refusals import InvalidValue
from service.values.email_address import normalised

LEAST, MOST = 8, 256
"""Characters after normalisation (NFKC)."""

MOST_TYPED = 1024
"""Characters before normalisation, which takes time that grows with the square of the length. Longer input is not normalised."""

HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
"""RFC 9106's second recommended option (64 MiB, three passes, four lanes), scaled to a server with few cores that also issues
tokens: three passes over 32 MiB in one lane. That is twice the memory and more passes than OWASP's minimum. One hash takes about
60 ms of one core, and two at a time take at most 64 MiB of a process.
"""

THREADS = 2
MOST_WAITING = 32
"""A caller after these would wait for more than a second, so it is told to try again later."""

NOBODYS = "$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}".format(
    m=HASHER.memory_cost, t=HASHER.time_cost, p=HASHER.parallelism, salt="A" * 22, hash="A" * 43
)
"""A hash that no password matches. Verifying it takes as long as verifying any other."""

COMMON = frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").split())
Answer = TypeVar("Answer")


class WeakPassword(InvalidValue):
    """The password is not accepted. The detail completes the sentence "The password …"."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"The password {fault}.", {"password": [fault]})


def checked(password: str, email: str | None) -> str:
    """Return the password in the form that is hashed. Raises WeakPassword."""
    fault = fault_of(password, email)
    if fault is not None:
        raise WeakPassword(fault)
    return _normalised(password)


def fault_of(password: str, email: str | None) -> str | None:
    """Return why this password is not accepted, or None. There are no rules of composition: only the length counts."""
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
    """Hashes and verifies in its own threads, a limited number at a time. One per process."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._asked = 0

    async def hash(self, password: str) -> str:
        """Raises Overloaded if too many callers are waiting."""
        return await self._run(lambda: HASHER.hash(_bytes(password)))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Return whether the password matches the hash. Takes the same time if there is no hash (None). Raises Unavailable."""
        given = _normalised(password[:MOST_TYPED])
        possible = kept is not None and len(given) <= MOST and len(password) <= MOST_TYPED
        return await self._run(lambda: _verified(kept or NOBODYS, _bytes(given[:MOST]))) and possible

    def is_old(self, kept: str) -> bool:
        """Return whether the hash was made with parameters other than today's."""
        return HASHER.check_needs_rehash(kept)

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        if self._asked >= THREADS + MOST_WAITING:
            raise Overloaded("passwords")
        self._asked += 1
        begun = self._executor.submit(work)
        loop = asyncio.get_running_loop()
        # Count the work as finished when the thread ends: a cancelled caller leaves the thread at work.
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
    """Return one form for all the ways in which a keyboard composes the same characters."""
    return unicodedata.normalize("NFKC", password)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
