"""Limits of failed sign-ins: for each account, for each address, and for each second factor.

An attacker who knows an e-mail address can delay its user's password sign-in in a new browser, while sending ten wrong passwords
a minute, and for a minute after that. Not affected: a browser in which that user signed in within a year, which has its own
count, a passkey, and a sign-in through the upstream provider. This delay is the price of a password that strangers may guess.

Second factors also have a daily limit, in browsers that are not known. An attacker who reaches it has the password, and can keep
the user out of new browsers until the next day, except with a passkey.
"""

from ipaddress import IPv6Address, ip_address
from uuid import UUID

from msgspec import Struct

from service.configuration.settings import Settings
from service.limits import A_DAY, Counted, Limits
from service.people.accounts import People
from service.people.signed import Signature, cookie_name
from service.refusals import TooManyAttempts
from service.values.email_address import normalised

ACCOUNT_LIMIT = 10
"""Failed sign-ins to one account in a minute: 14,400 guesses a day, at a password that is not among the most common ones."""

ADDRESS_LIMIT = 30
"""Failed sign-ins from one address (IPv6: one /64 network) in a minute. A whole office may share one address."""

FACTOR_LIMIT = 5
"""Failed second factors of one user in a minute. An attacker with the password guesses one of a million codes; three are valid."""

USER_CODE_LIMIT = 10
"""Wrong user codes of devices of one user in a minute, and as many from an address times three: a code is one of 2.6 * 10^10."""

FACTOR_DAILY_LIMIT = 50
"""Failed second factors of one user in a day, in browsers without a known sign-in: a chance of one in 6,000."""

KNOWN_SECONDS = 365 * 86_400
"""The time for which a browser is known after a sign-in."""


class Attempt(Struct, frozen=True):
    """An attempt, counted as failed until it succeeds, with the counts that it increased."""

    counts: tuple[tuple[str, Counted], ...]


class Attempts:
    """One per process."""

    def __init__(self, limits: Limits, people: People, settings: Settings, master_key: bytes) -> None:
        self._limits = limits
        self._people = people
        self._signature = Signature(master_key, "muniment known browsers")
        self._names = Signature(master_key, "muniment counts of sign-ins")
        self.cookie = cookie_name("muniment_known", settings)

    async def begin(self, email: str, address: str, known: str | None) -> Attempt:
        """Count the attempt before the password is checked. `known` is the value of the cookie. Raises TooManyAttempts."""
        name = self._names.name("to", normalised(email))
        whose = self._whose(known)
        if whose is not None and await self._people.vault.find(await self._people.vault.email(email)) == whose:
            return await self._counted((f"sign-in known {name}", ACCOUNT_LIMIT))
        return await self._counted((self._from(address), ADDRESS_LIMIT), (f"sign-in to {name}", ACCOUNT_LIMIT))

    async def begin_factor(self, user: UUID, known: str | None) -> Attempt:
        """Count the attempt before the second factor is checked. `known` is the value of the cookie. Raises TooManyAttempts."""
        if self._whose(known) == user:
            return await self._counted((f"second factor known {user}", FACTOR_LIMIT))
        return await self._counted(
            (f"second factor of {user}", FACTOR_LIMIT), (f"{A_DAY}second factor of {user}", FACTOR_DAILY_LIMIT)
        )

    async def begin_user_code(self, user: UUID | None, address: str) -> Attempt:
        """Count the attempt before the device is looked for (RFC 8628 section 5.1). Raises TooManyAttempts."""
        near = (f"user codes from {self._names.name('from', network(address))}", 3 * USER_CODE_LIMIT)
        return await self._counted(near, *([] if user is None else [(f"user codes of {user}", USER_CODE_LIMIT)]))

    async def succeeded(self, attempt: Attempt) -> None:
        """Remove the attempt from the counts of failures."""
        for key, counted in attempt.counts:
            await self._limits.give_back(key, counted)

    def known(self, user: UUID) -> str:
        """Return the value of the cookie that a browser gets (for KNOWN_SECONDS) after a sign-in."""
        return self._signature.write(user.bytes)

    def _whose(self, known: str | None) -> UUID | None:
        """Return the user who signed in before with the browser that has this cookie."""
        content = None if known is None else self._signature.read(known)
        return None if content is None else UUID(bytes=content)

    def _from(self, address: str) -> str:
        return f"sign-in from {self._names.name('from', network(address))}"

    async def _counted(self, *limited: tuple[str, int]) -> Attempt:
        counts: list[tuple[str, Counted]] = []
        for key, limit in limited:
            counted = await self._limits.count(key)
            if counted.used > limit:
                raise TooManyAttempts(counted.seconds)
            counts.append((key, counted))
        return Attempt(tuple(counts))


def network(address: str) -> str:
    """Return the network of the address. In IPv6, one household has a whole /64 network."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
