"""The users: register, find, authenticate, change and erase them. Personal data is sealed before it becomes part of an event."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any
from uuid import UUID

from msgspec import json

from events.codec import Recorded
from events.database import LOST, Unavailable, read
from events.envelope import ByService, Meta
from events.log import Receipt
from events.sealed import Sealed
from events.user import UserErased
from projections import users
from projections.keyed_users import KeyedUser
from service.commands.authority import Holder
from service.commands.handle import USER, Handled, Ledger, handle
from service.commands.user import ChangePassword, ChangeProfile, DisableUser, EnableUser, EraseUser, RegisterUser
from service.crypto.credentials import new_id
from service.crypto.sealing import Seal
from service.people.passwords import NOBODYS, Passwords, WeakPassword, checked
from service.people.registration import Registration
from service.reactions import session_end
from service.refusals import DoesNotExist, DomainRefusal, InvalidValue
from service.request_id import envelope
from service.values import profile as profiles
from service.values.email_address import is_email
from service.values.profile import Profile
from service.vault import reasons
from service.vault.personal_data import NameTaken, Vault
from service.vault.recent import Recent
from service.vault.sealed_fields import closed, opened

__all__ = ["NameTaken", "People", "Profile", "WeakPassword"]

NOBODY = UUID(int=0)
PROFILE, PASSWORD, OTHER = "profile", "password", "other"


class People:
    """One per process."""

    def __init__(self, ledger: Ledger, master_key: bytes) -> None:
        self._ledger = ledger
        self._passwords = Passwords()
        self.vault = Vault(ledger.pool, master_key)
        self._recent_claims = Recent(self._claims_of)
        self._nobodys = Seal(token_bytes(32), "muniment personal data")
        self._nobodys_password = closed(self._nobodys, NOBODY, PASSWORD, NOBODYS.encode())

    def close(self) -> None:
        self._passwords.close()

    async def register(
        self,
        profile: Profile,
        password: str | None,
        meta: Meta,
        *,
        verified: bool = False,
        upstream: tuple[str, str] | None = None,
    ) -> UUID:
        """Return the id of the new user. Raises NameTaken, WeakPassword, and InvalidValue if the e-mail address is not valid."""
        user = new_id()
        wanted = Registration(profile=profile, password=password, verified=verified, upstream=upstream)
        await self.register_as(user, wanted, meta)
        return user

    async def register_as(
        self, user: UUID, wanted: Registration, meta: Meta, *, receipt: Receipt | None = None
    ) -> Handled:
        """Register the user under an id that was made just now. Raises what `register` raises, and CarriedOutBefore."""
        _check(wanted.profile)
        hashed = None
        if wanted.password is not None:
            hashed = await self._passwords.hash(checked(wanted.password, wanted.profile.email))
        seal, names = await self._named(user, wanted)
        command = RegisterUser(
            profile=closed(seal, user, PROFILE, json.encode(wanted.profile)),
            password=None if hashed is None else closed(seal, user, PASSWORD, hashed.encode()),
            email_verified=wanted.verified,
            at=wanted.at,
            names=names,
        )
        try:
            meta = reasons.sealed(meta, user, seal)
            return await handle(self._ledger, USER, user, command, meta, fresh=True, receipt=receipt)
        except Unavailable:
            raise  # the event may have been appended; if it was not, housekeeping removes the name that has no user
        except Exception:
            await self.vault.remove(user)
            raise

    async def find(self, email: str) -> users.Row | None:
        """Return the user with this e-mail address, in any state."""
        return await self._found(await self.vault.email(email))

    async def find_upstream(self, issuer: str, subject: str) -> users.Row | None:
        return await self._found(await self.vault.upstream(issuer, subject))

    async def row(self, user: UUID) -> users.Row | None:
        return await read(self._ledger.pool, lambda connection: users.find(connection, user))

    async def profile(self, row: users.Row) -> Profile | None:
        """Return None if the user is erased."""
        return None if row.profile is None else profile_under(await self.vault.key(row.stream_id), row)

    def profile_with(self, wrapped: bytes | None, row: users.Row | KeyedUser) -> Profile | None:
        """Return the profile, opened with the user's data key as it is stored; None without one."""
        return None if wrapped is None else profile_under(self.vault.seal_of(row.stream_id, wrapped), row)

    def claims_of(self, user: KeyedUser, wanted: Iterable[str]) -> dict[str, Any] | None:
        """Return the wanted claims that are known (OpenID Connect Core 1.0 section 5.1), or None if the user is disabled or erased."""
        known = self._recent_claims.find(user)
        return None if known is None else {name: known[name] for name in wanted if name in known}

    def _claims_of(self, user: KeyedUser) -> dict[str, Any] | None:
        profile = self.profile_with(user.wrapped, user) if user.state == "active" else None
        return profile and profiles.claims_of(profile, verified=user.verified, since=user.created_at)

    async def forget(self) -> None:
        """Forget what was opened of users' data. Is called every minute."""
        self.vault.forget()
        self._recent_claims.forget()

    async def profiles(self, rows: Sequence[users.Row]) -> dict[UUID, Profile]:
        """Return the profiles of many users at once. Erased users are left out."""
        seals = await self.vault.keys([row.stream_id for row in rows])
        found = {row.stream_id: profile_under(seals.get(row.stream_id), row) for row in rows}
        return {user: profile for user, profile in found.items() if profile}

    async def check_password(self, row: users.Row | None, password: str) -> bool:
        """Return whether this is the password of an active user.

        The work is the same without such a user, so the time does not show whether there is an account. Raises Unavailable if too many
        passwords are being checked.
        """
        active = row if row is not None and row.state == "active" else None
        seal = await self.vault.key(NOBODY if active is None else active.stream_id)
        kept = None if active is None or seal is None else opened(seal, active.stream_id, PASSWORD, active.password)
        if kept is None:
            opened(self._nobodys, NOBODY, PASSWORD, self._nobodys_password)
        right = await self._passwords.verify(None if kept is None else kept.decode(), password)
        if right and row is not None and kept is not None and self._passwords.is_old(kept.decode()):
            await self._hash_anew(row, password)
        return right

    async def change_password(self, user: UUID, password: str, meta: Meta) -> Handled:
        """Raises WeakPassword, and DoesNotExist if there is no such user."""
        row = await self.row(user)
        profile = None if row is None else await self.profile(row)
        if profile is None:
            raise DoesNotExist("There is no user with this id.")
        hashed = await self._passwords.hash(checked(password, profile.email))
        command = ChangePassword(password=await self._sealed(user, PASSWORD, hashed.encode()), at=datetime.now(UTC))
        return await handle(self._ledger, USER, user, command, await self.private(user, meta))

    async def change_profile(
        self,
        user: UUID,
        changes: Mapping[str, Any],
        meta: Meta,
        *,
        by: Holder | None = None,
        only_at: AbstractSet[int] | None = None,
    ) -> Handled:
        """Change some of the claims (profile.CLAIMS). Raises InvalidValue, and DoesNotExist if there is no such user."""
        row = await self.row(user)
        profile = None if row is None else await self.profile(row)
        if row is None or profile is None:
            raise DoesNotExist("There is no user with this id.")
        wanted, now = profiles.changed(profile, changes), datetime.now(UTC)
        _check(wanted)
        if wanted == profile and (only_at is None or row.version in only_at):
            return Handled(None, row.version)
        wanted = wanted.__replace__(updated_at=int(now.timestamp()))
        sealed = await self._sealed(user, PROFILE, json.encode(wanted))
        # Append only at the version that was read: otherwise each of two concurrent changes could undo the other.
        only_at = {row.version} if only_at is None else only_at & {row.version}
        command = ChangeProfile(profile=sealed, at=now, by=by)
        return await handle(self._ledger, USER, user, command, await self.private(user, meta), only_at=only_at)

    async def private(self, user: UUID, meta: Meta) -> Meta:
        """Return the envelope for a stream of this user, with its reason sealed."""
        return reasons.sealed(meta, user, await self.vault.key(user)) if isinstance(meta.reason, str) else meta

    async def seal(self, user: UUID, plain: bytes) -> Sealed:
        """Seal personal data for an event. Raises DoesNotExist if the user's data key is destroyed."""
        return await self._sealed(user, OTHER, plain)

    async def open(self, user: UUID, sealed: Sealed) -> bytes | None:
        """Open what `seal` returned. Returns None if the user's data key is destroyed."""
        return await self._opened(user, OTHER, sealed)

    async def open_all(self, sealed: Sequence[tuple[UUID, Sealed | None]]) -> list[bytes | None]:
        """Open the data of many users at once, in the same order."""
        seals = await self.vault.keys([user for user, _ in sealed])
        return [opened(seals.get(user), user, OTHER, one) for user, one in sealed]

    async def disable(
        self, user: UUID, meta: Meta, *, by: Holder | None = None, only_at: AbstractSet[int] | None = None
    ) -> Handled:
        """Disable the user, end their sessions, and revoke the tokens issued to clients."""
        meta = await self.private(user, meta)
        handled = await handle(self._ledger, USER, user, DisableUser(by=by), meta, only_at=only_at)
        await session_end.stop(self._ledger, user, "user_disabled", session_end.because(meta, handled))
        return handled

    async def enable(
        self, user: UUID, meta: Meta, *, by: Holder | None = None, only_at: AbstractSet[int] | None = None
    ) -> Handled:
        return await handle(
            self._ledger, USER, user, EnableUser(by=by), await self.private(user, meta), only_at=only_at
        )

    async def erase(
        self, user: UUID, meta: Meta, *, by: Holder | None = None, only_at: AbstractSet[int] | None = None
    ) -> Handled:
        """Erase the user and destroy their data key, so that their personal data, and the reason for this, cannot be read again."""
        meta = await self.private(user, meta)
        handled = await handle(self._ledger, USER, user, EraseUser(at=datetime.now(UTC), by=by), meta, only_at=only_at)
        await self.vault.remove(user)
        await session_end.stop(self._ledger, user, "user_erased", session_end.because(meta, handled))
        with suppress(Unavailable, *LOST):  # housekeeping does it later
            await self.vault.scrub()
        return handled

    async def finish(self) -> None:
        """Finish the registrations and erasures that a killed process left undone. Housekeeping calls this."""
        await self.vault.finish()
        await self.vault.scrub()

    async def _named(self, user: UUID, wanted: Registration) -> tuple[Seal, tuple[str, ...]]:
        names = [] if wanted.profile.email is None else [await self.vault.email(wanted.profile.email)]
        if wanted.upstream is not None:
            names.append(await self.vault.upstream(*wanted.upstream))
        try:
            return await self.vault.add(user, names)
        except NameTaken:
            await self.vault.remove_failed(names)
            return await self.vault.add(user, names)

    async def _found(self, name: bytes) -> users.Row | None:
        """An unknown name takes the same two reads as a known one, so the time does not show whether there is an account."""
        return await self.row(await self.vault.find(name) or NOBODY)

    async def _hash_anew(self, row: users.Row, password: str) -> None:
        """Hash the unchanged password with today's parameters, and keep its date. A concurrent change of the password wins."""
        assert row.password_at is not None
        meta = envelope(ByService(why="the parameters of password hashing changed"))
        with suppress(Unavailable, DomainRefusal):
            hashed = await self._passwords.hash(password)
            command = ChangePassword(
                password=await self._sealed(row.stream_id, PASSWORD, hashed.encode()), at=row.password_at
            )
            await handle(self._ledger, USER, row.stream_id, command, meta, only_at={row.version})

    async def _sealed(self, user: UUID, purpose: str, plain: bytes) -> Sealed:
        seal = await self.vault.key(user)
        if seal is None:
            raise DoesNotExist("There is no user with this id.")
        return closed(seal, user, purpose, plain)

    async def _opened(self, user: UUID, purpose: str, sealed: Sealed | None) -> bytes | None:
        return None if sealed is None else opened(await self.vault.key(user), user, purpose, sealed)


def is_erased(past: Iterable[Recorded]) -> bool:
    """Return whether the user of these events is erased. The data key is destroyed only after that, so it may still be there."""
    return any(isinstance(each.event, UserErased) for each in past)


def profile_under(seal: Seal | None, row: users.Row | KeyedUser) -> Profile | None:
    """Return the profile, opened with the user's data key; None without it."""
    plain = opened(seal, row.stream_id, PROFILE, row.profile)
    return None if plain is None else _profile(plain)


_profile = json.Decoder(Profile).decode


def _check(profile: Profile) -> None:
    """Raises InvalidValue."""
    if profile.email is not None and not is_email(profile.email):
        raise InvalidValue("An e-mail address is needed, such as ada@example.com.")
    faults = profiles.faults(profile)
    if faults:
        said = "; ".join(f"{name} {fault}" for name, fault in faults.items())
        raise InvalidValue(f"The profile has faults: {said}.", {name: [fault] for name, fault in faults.items()})
