"""Who uses the console: looked up at each request, so what is taken away ends at the next one."""

from datetime import datetime
from functools import cache
from uuid import UUID

from msgspec import Struct, ValidationError, json

from events.database import AnyConnection, read
from events.replay import history
from events.session import SessionReauthenticated, SessionStarted
from events.user import Role
from projections import sessions
from projections.console_sign_ins import ConsoleSignIn
from service.callers import Caller
from service.clock import utc_now
from service.console.place import COOKIE
from service.console.registration import CLIENT_ID
from service.crypto.sealing import CannotOpen, Seal, seal_for
from service.pages.browser import Visit, master_key
from service.pages.security import RECENT
from service.pages.session_start import FEDERATED, TWO_FACTORS, Person, person
from service.people.sessions import authenticates
from service.resources import Resources
from service.values.roles import SCOPES_OF
from service.values.scopes import MANAGEMENT

ABOUT = b"console"


class Granted(Struct, frozen=True, kw_only=True):
    """The content of the cookie: the authorization that the sign-in to the console led to, and its user and session."""

    authorization: UUID
    user: UUID
    session: UUID


class Access(Struct, frozen=True, kw_only=True):
    """A person who is signed in to the console, with the roles that they have at this moment in this session.

    `elsewhere` are the roles that they have through groups and not in this session, which did not come from the upstream provider.
    """

    user: UUID
    session: UUID
    authorization: UUID
    roles: tuple[Role, ...]
    elsewhere: tuple[Role, ...]
    person: Person
    authenticated_at: datetime

    @property
    def scopes(self) -> frozenset[str]:
        return _scopes_of(self.roles)

    @property
    def caller(self) -> Caller:
        """The caller of the management API."""
        return Caller(client_id=CLIENT_ID, sub=str(self.user), scopes=self.scopes, is_user=True)

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    @property
    def is_recent(self) -> bool:
        """Whether the person authenticated so recently that they may make a sensitive change (Screen.sensitive)."""
        return utc_now() - self.authenticated_at < RECENT

    @property
    def writes(self) -> bool:
        """Whether any of the roles may change anything."""
        return any(scope in self.scopes for scope in MANAGEMENT if scope.endswith(":write"))


@cache
def _scopes_of(roles: tuple[Role, ...]) -> frozenset[str]:
    return frozenset(scope for role in roles for scope in SCOPES_OF[role])


def sealed(resources: Resources, granted: Granted) -> str:
    """Return the value of the cookie."""
    return _seal(resources).close_as_text(json.encode(granted), ABOUT)


def granted_to(visit: Visit) -> Granted | None:
    """Return the content of the browser's cookie, whether it is still valid or not."""
    text = visit.cookie(COOKIE)
    try:
        return json.decode(_seal(visit.resources).open_text(text, ABOUT), type=Granted) if text else None
    except (CannotOpen, ValidationError, ValueError):
        return None


async def access_of(visit: Visit) -> Access | None:
    """Return who is signed in, or None. Someone without a role is signed in, too. Raises Unavailable."""
    granted, resources = granted_to(visit), visit.resources
    if granted is None:
        return None
    seen = await resources.lookup.named(CLIENT_ID)
    if seen is None or not seen.may_act:
        return None
    found = await resources.console_sign_ins.find(granted.authorization, granted.session)
    if found is None or found.user.stream_id != granted.user:
        return None
    if found.restored != seen.client.restored or not _stands(found, resources):
        return None
    profile = resources.people.profile_with(found.wrapped, found.user)
    roles = await _roles(found, resources)
    return Access(
        user=granted.user,
        session=granted.session,
        authorization=granted.authorization,
        roles=roles,
        elsewhere=tuple(role for role in found.user.all_roles if role not in roles),
        person=person(profile) if profile else Person(name="", email=""),
        authenticated_at=found.session.authenticated_at,
    )


async def _is_federated(connection: AnyConnection, session: sessions.Row) -> bool:
    """Return whether the session began at the upstream provider, or was continued there before a later authentication elsewhere."""
    if FEDERATED in session.amr:
        return True
    past = (each.event for each in await history(connection, session.stream_id))
    return any(isinstance(event, SessionStarted | SessionReauthenticated) and FEDERATED in event.amr for event in past)


def _stands(found: ConsoleSignIn, resources: Resources) -> bool:
    if found.state != "active" or not authenticates(found.session, found.user):
        return False
    return found.session.acr == TWO_FACTORS or not resources.settings.console_second_factor


async def _roles(found: ConsoleSignIn, resources: Resources) -> tuple[Role, ...]:
    """A role through a group counts only in a session that came from the upstream provider.

    What the provider said of the groups is then no older than a session can be. With a password or a passkey of this server, somebody
    who has left the group could begin sessions for ever, and the provider would never be asked again.
    """
    user, session = found.user, found.session
    is_federated = bool(user.group_roles) and await read(
        resources.ledger.pool, lambda connection: _is_federated(connection, session)
    )
    return user.all_roles if is_federated else user.roles


def _seal(resources: Resources) -> Seal:
    return seal_for(master_key(resources), "muniment console cookies")
