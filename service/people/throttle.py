"""How often somebody may fail to sign in: for each account, for each address, and for each second factor.

Whoever knows an address can delay its person's password in a new browser, for as long as they go on with ten wrong passwords a
minute, and for a minute after that. They cannot delay a browser in which that person signed in within a year, which is counted by
itself, nor a passkey, nor a sign-in through the upstream provider. Counting is the price of a password that strangers may guess.

Second factors may fail so often in a day, too, in browsers that are not known: who fails there has the password, and with it can keep
the person out of new browsers, but for passkeys, until the next day.
"""

from ipaddress import IPv6Address, ip_address
from uuid import UUID

from msgspec import Struct

from service.configuration.settings import Settings
from service.limits import A_DAY, Counted, Limits
from service.people.accounts import People
from service.people.signed import Signature, cookie_name
from service.refusals import TooManyAttempts
from service.vault.personal_data import normalised

ACCOUNT_LIMIT = 10
"""Failed sign-ins to one account in a minute: 14,400 guesses a day against a password that is not among the first of them."""

ADDRESS_LIMIT = 30
"""Failed sign-ins from one address (IPv6: one /64 network) in a minute, for behind one address there may be a whole office."""

FACTOR_LIMIT = 5
"""Failed second factors of one person in a minute: whoever has the password meets one of a million codes, three of them good."""

FACTOR_DAILY_LIMIT = 50
"""The same in a day, from browsers that the person never signed in with: one chance in 6,000."""

KNOWN_SECONDS = 365 * 86_400
"""How long a browser is known as one that somebody signed in with."""


class Attempt(Struct, frozen=True):
    """One that was counted as failed, until it succeeds; what it was counted under."""

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
        """Before the password is looked at; `known` is the value of the cookie. Raises TooManyAttempts."""
        name = self._names.name("to", normalised(email))
        whose = self._whose(known)
        if whose is not None and await self._people.vault.find(await self._people.vault.email(email)) == whose:
            return await self._counted((f"sign-in known {name}", ACCOUNT_LIMIT))
        return await self._counted((self._from(address), ADDRESS_LIMIT), (f"sign-in to {name}", ACCOUNT_LIMIT))

    async def begin_factor(self, user: UUID, known: str | None) -> Attempt:
        """Before a second factor is looked at; `known` is the value of the cookie. Raises TooManyAttempts."""
        if self._whose(known) == user:
            return await self._counted((f"second factor known {user}", FACTOR_LIMIT))
        return await self._counted(
            (f"second factor of {user}", FACTOR_LIMIT), (f"{A_DAY}second factor of {user}", FACTOR_DAILY_LIMIT)
        )

    async def succeeded(self, attempt: Attempt) -> None:
        """It was no failure, and counts as none."""
        for key, counted in attempt.counts:
            await self._limits.give_back(key, counted)

    def known(self, user: UUID) -> str:
        """The value of the cookie that a browser gets (for KNOWN_SECONDS) once somebody has signed in with it."""
        return self._signature.write(user.bytes)

    def _whose(self, known: str | None) -> UUID | None:
        """Who signed in before with the browser that has this cookie."""
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
    """Where the address belongs: of IPv6 a whole /64 is one household's."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
