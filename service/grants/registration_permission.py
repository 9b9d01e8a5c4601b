"""Whether a client may register itself, and as what (RFC 7591 section 3): by the setting, and within limits."""

from uuid import UUID

from msgspec import Struct

from events.database import read
from events.envelope import Meta
from events.initial_access_token import UsableInitialAccessToken
from events.refusal import RequestsThrottled
from projections import self_registered
from service.clock import utc_now
from service.commands.client_registration import MOST_NEVER_USED, Permission
from service.commands.handle import INITIAL_ACCESS_TOKEN, handle, state_of
from service.commands.initial_access_token import UseInitialAccessToken, is_good
from service.configuration.settings import OFF, OPEN, Settings
from service.crypto import opaque_tokens
from service.grants.failed_tokens import count_failed_token
from service.grants.refusal_events import Sender, record_throttled_requests
from service.limits import A_DAY
from service.oauth.client_metadata import CODE, DEVICE, MACHINE, REFRESH, Policy
from service.oauth.errors import InvalidToken, RegistrationOff, TooManyRegistrations
from service.people.throttle import network
from service.refusals import Contradiction, DoesNotExist
from service.resources import Resources
from service.values.scopes import NEW_CLIENT

MOST_IN_A_MINUTE, MOST_IN_A_DAY = 20, 300
"""Registrations of one network of addresses. A whole office may share one."""

MOST_OF_ALL = 300
"""Registrations in a minute."""

MOST_CHANGES_IN_A_MINUTE, MOST_CHANGES_IN_A_DAY = 10, 100
"""Changes that one client makes of itself: each adds what was and what is now to the log."""

MOST_CHANGES_OF_A_NETWORK = 60
"""Such changes in a minute."""

NOT_GOOD = (
    "The initial access token is not valid: it is wrong, was revoked, has expired, or was used as often as it may be. Ask who gave"
    " it to you for another."
)
BY_INVITATION = "Send an initial access token, which the operator of this server gives out: Authorization: Bearer ..."


class Allowed(Struct, frozen=True, kw_only=True):
    """What may be registered. `token_hash` is that of the initial access token that allows it, if one does."""

    permission: Permission
    policy: Policy
    token_hash: str = ""


async def allowed(resources: Resources, token: str | None, address: str) -> Allowed:
    """Raises RegistrationOff, InvalidToken, TooManyRegistrations, TooManyFailures, Unavailable.

    `token` is the bearer token of the request, if it has one. Nothing is used up.
    """
    setting = resources.settings.dynamic_registration
    if setting == OFF:
        raise RegistrationOff
    await _are_few(resources, address)
    if token is not None:
        return await _by_token(resources, token, address)
    if setting != OPEN:
        raise InvalidToken(BY_INVITATION)
    waiting = await read(
        resources.ledger.pool, lambda c: self_registered.never_used(c, "registration", MOST_NEVER_USED)
    )
    if waiting >= MOST_NEVER_USED:
        raise TooManyRegistrations("Too many clients registered and never signed a user in; try again later.", 3600)
    permission = Permission(scopes=frozenset(NEW_CLIENT))
    return Allowed(permission=permission, policy=policy(resources.settings, permission))


async def use(resources: Resources, may: Allowed, client: UUID, meta: Meta) -> Meta:
    """Use up what allows the registration of this client, and return the envelope of the registration, which names it as the cause.

    Raises InvalidToken, Unavailable.
    """
    token = may.permission.initial_access_token
    if token is None:
        return meta
    command = UseInitialAccessToken(hash=may.token_hash, client=client, at=utc_now())
    try:
        handled = await handle(resources.ledger, INITIAL_ACCESS_TOKEN, token, command, meta)
    except (DoesNotExist, Contradiction) as fault:
        raise InvalidToken(NOT_GOOD) from fault
    return meta.__replace__(cause=handled.position)


def policy(settings: Settings, permission: Permission, *, machines: bool = False) -> Policy:
    """A client that anybody registered gets no device grant: a person who types its code sees nobody whom they know (RFC 8628 section 5.4)."""
    invited = permission.initial_access_token is not None
    return Policy(
        issuer=settings.issuer,
        scopes=permission.scopes,
        grant_types=(CODE, REFRESH, *((MACHINE,) if machines else ()), *((DEVICE,) if invited else ())),
        backchannel=invited,
        insecure=settings.insecure_http_hosts,
    )


async def _by_token(resources: Resources, text: str, address: str) -> Allowed:
    token = opaque_tokens.parsed(opaque_tokens.INITIAL_ACCESS_TOKEN, text)
    state = None if token is None else await state_of(resources.ledger, INITIAL_ACCESS_TOKEN, token.authorization)
    if token is None or not isinstance(state, UsableInitialAccessToken) or not is_good(state, token.hash, utc_now()):
        await count_failed_token(resources, "", "wrong_initial_access_token", None, address)
        raise InvalidToken(NOT_GOOD)
    allows = state.allows
    permission = Permission(
        owner=allows.owner, scopes=frozenset(allows.scopes), initial_access_token=token.authorization
    )
    may = policy(resources.settings, permission, machines=allows.machines)
    return Allowed(permission=permission, policy=may, token_hash=token.hash)


async def changes_are_few(resources: Resources, client_id: str, address: str) -> None:
    """Count a change that a client makes of its registration. Raises TooManyRegistrations, Unavailable."""
    own, near = f"registration changes of {client_id}", f"registration changes from {network(address)}"
    limits = (
        (own, MOST_CHANGES_IN_A_MINUTE),
        (f"{A_DAY}{own}", MOST_CHANGES_IN_A_DAY),
        (near, MOST_CHANGES_OF_A_NETWORK),
    )
    await _count(resources, limits, client_id, address)


async def _are_few(resources: Resources, address: str) -> None:
    near = f"registrations from {network(address)}"
    limits = (near, MOST_IN_A_MINUTE), (f"{A_DAY}{near}", MOST_IN_A_DAY), ("registrations", MOST_OF_ALL)
    await _count(resources, limits, None, address)


async def _count(
    resources: Resources, limits: tuple[tuple[str, int], ...], client_id: str | None, address: str
) -> None:
    for key, most in limits:
        counted = await resources.limits.count(key)
        if counted.used <= most:
            continue
        if counted.used == most + 1:
            throttled = RequestsThrottled(client_id=client_id, limit=most, at=utc_now())
            sender = Sender(whose=client_id or "", scopes=(), address=address)
            await record_throttled_requests(resources, throttled, sender, None)
        raise TooManyRegistrations(f"Too many registrations; try again in {counted.seconds} s.", counted.seconds)
