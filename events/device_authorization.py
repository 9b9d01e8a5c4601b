"""The events of a device authorization (RFC 8628): a device asks, and a user approves or denies it in a browser.

An approval makes an ordinary authorization, whose code is the device code: its redemption is an event of that authorization. That the
request expires is no event. Events have only hashes of the codes. A user code is short, so its hash is keyed by the master key.
"""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from events.sealed import Sealed


class UserCode(Struct, frozen=True, kw_only=True, gc=False):
    """`hash` is the keyed hash (HMAC-SHA256) of the code that the user types."""

    hash: str


class DeviceAuthorizationRequested(
    Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="device_authorization.requested"
):
    """A device asked for these scopes. `hash` is of the device code."""

    client: UUID
    scopes: tuple[str, ...]
    resource: str | None
    hash: str
    user_code: UserCode
    at: datetime
    expires_at: datetime
    restored: int | UnsetType = UNSET
    """How often the client had been restored; UNSET is never."""

    @property
    def life(self) -> int:
        return 0 if self.restored is UNSET else self.restored


class DeviceAuthorizationApproved(
    Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="device_authorization.approved"
):
    """`authorization` is what the user granted. `device` is the address and the program that had asked, for the user to recognize."""

    user: UUID
    session: UUID
    authorization: UUID
    device: Sealed | None
    at: datetime


class DeviceAuthorizationDenied(Struct, frozen=True, kw_only=True, gc=False, tag="device_authorization.denied"):
    user: UUID
    session: UUID
    at: datetime


DeviceAuthorizationEvent = DeviceAuthorizationRequested | DeviceAuthorizationApproved | DeviceAuthorizationDenied


class NotRequested(Struct, frozen=True):
    pass


class Waiting(Struct, frozen=True, kw_only=True, gc=False):
    """No user has answered. From `expires_at` on, none can."""

    requested: DeviceAuthorizationRequested


class Approved(Struct, frozen=True, kw_only=True, gc=False):
    requested: DeviceAuthorizationRequested
    authorization: UUID


class Denied(Struct, frozen=True, kw_only=True, gc=False):
    requested: DeviceAuthorizationRequested


DeviceAuthorization = NotRequested | Waiting | Approved | Denied


def evolve(device: DeviceAuthorization, event: DeviceAuthorizationEvent) -> DeviceAuthorization:
    """Returns the device authorization after the event. It never refuses."""
    match event:
        case DeviceAuthorizationRequested():
            return Waiting(requested=event)
        case DeviceAuthorizationApproved() if isinstance(device, Waiting):
            return Approved(requested=device.requested, authorization=event.authorization)
        case DeviceAuthorizationDenied() if isinstance(device, Waiting):
            return Denied(requested=device.requested)
        case DeviceAuthorizationApproved() | DeviceAuthorizationDenied():
            return device
