"""Whether a client may register itself, and as what (RFC 7591 section 3): by the setting, and within limits."""

from msgspec import Struct

from events.database import read
from events.refusal import RequestsThrottled
from projections import self_registered
from service.clock import utc_now
from service.commands.client_registration import MOST_NEVER_USED, Permission
from service.configuration.settings import OFF, OPEN, Settings
from service.grants.refusal_events import Sender, record_throttled_requests
from service.limits import A_DAY
from service.oauth.client_metadata import Policy
from service.oauth.errors import InvalidToken, RegistrationOff, TooManyRegistrations
from service.people.throttle import network
from service.resources import Resources
from service.values.scopes import NEW_CLIENT

MOST_IN_A_MINUTE, MOST_IN_A_DAY = 20, 300
"""Registrations of one network of addresses. A whole office may share one."""

MOST_OF_ALL = 300
"""Registrations in a minute."""

BY_INVITATION = "Send an initial access token, which the operator of this server gives out: Authorization: Bearer ..."


class Allowed(Struct, frozen=True, kw_only=True):
    """What may be registered. `cause` is the position of the event that allows it, if one does."""

    permission: Permission
    policy: Policy
    cause: int | None = None


async def allowed(resources: Resources, token: str | None, address: str) -> Allowed:
    """Raises RegistrationOff, InvalidToken, TooManyRegistrations, Unavailable. `token` is the bearer token of the request, if it has one."""
    setting = resources.settings.dynamic_registration
    if setting == OFF:
        raise RegistrationOff
    await _are_few(resources, address)
    if setting != OPEN or token is not None:
        raise InvalidToken(BY_INVITATION)
    if await read(resources.ledger.pool, lambda c: self_registered.never_used(c, MOST_NEVER_USED)) >= MOST_NEVER_USED:
        raise TooManyRegistrations("Too many clients registered and never signed a user in; try again later.", 3600)
    permission = Permission(scopes=frozenset(NEW_CLIENT))
    return Allowed(permission=permission, policy=policy(resources.settings, permission))


def policy(settings: Settings, permission: Permission) -> Policy:
    return Policy(
        issuer=settings.issuer,
        scopes=permission.scopes,
        backchannel=permission.initial_access_token is not None,
        insecure=settings.insecure_http_hosts,
    )


async def _are_few(resources: Resources, address: str) -> None:
    near = f"registrations from {network(address)}"
    for key, most in ((near, MOST_IN_A_MINUTE), (f"{A_DAY}{near}", MOST_IN_A_DAY), ("registrations", MOST_OF_ALL)):
        counted = await resources.limits.count(key)
        if counted.used <= most:
            continue
        if counted.used == most + 1:
            throttled = RequestsThrottled(client_id=None, limit=most, at=utc_now())
            await record_throttled_requests(resources, throttled, Sender(whose="", scopes=(), address=address), None)
        raise TooManyRegistrations(f"Too many registrations; try again in {counted.seconds} s.", counted.seconds)
