"""Commands on a device authorization (RFC 8628), and `decide`."""

from datetime import datetime
from uuid import UUID

from events.device_authorization import (
    Approved,
    Denied,
    DeviceAuthorization,
    DeviceAuthorizationApproved,
    DeviceAuthorizationDenied,
    DeviceAuthorizationEvent,
    DeviceAuthorizationRequested,
    NotRequested,
    Waiting,
)
from events.sealed import Sealed
from service.commands.command import OrdinaryCommand
from service.refusals import Contradiction, DoesNotExist


class RequestDeviceAuthorization(OrdinaryCommand, frozen=True, kw_only=True):
    requested: DeviceAuthorizationRequested


class ApproveDevice(OrdinaryCommand, frozen=True, kw_only=True):
    """`authorization` was granted for this approval."""

    user: UUID
    session: UUID
    authorization: UUID
    device: Sealed | None
    at: datetime


class DenyDevice(OrdinaryCommand, frozen=True, kw_only=True):
    user: UUID
    session: UUID
    at: datetime


DeviceAuthorizationCommand = RequestDeviceAuthorization | ApproveDevice | DenyDevice


def decide(command: DeviceAuthorizationCommand, device: DeviceAuthorization) -> list[DeviceAuthorizationEvent]:
    """Returns the events of the command; [] if it changes nothing. The first answer stands. Raises DoesNotExist or Contradiction."""
    match command, device:
        case RequestDeviceAuthorization(), NotRequested():
            return [command.requested]
        case RequestDeviceAuthorization(), Waiting() | Approved() | Denied():
            raise Contradiction("A device authorization of this id was requested before.")
        case ApproveDevice() | DenyDevice(), NotRequested():
            raise DoesNotExist("There is no device authorization with this id.")
        case ApproveDevice() | DenyDevice(), Waiting() if command.at >= device.requested.expires_at:
            raise Contradiction("The code has expired.")
        case ApproveDevice(), Waiting():
            return [_approved(command)]
        case DenyDevice(), Waiting():
            return [DeviceAuthorizationDenied(user=command.user, session=command.session, at=command.at)]
        case DenyDevice(), Denied():
            return []
        case ApproveDevice(), Approved() if command.authorization == device.authorization:
            return []
        case ApproveDevice(), Approved() | Denied():
            raise Contradiction("The code was used before.")
        case DenyDevice(), Approved():
            raise Contradiction("The code was used before.")


def _approved(command: ApproveDevice) -> DeviceAuthorizationApproved:
    return DeviceAuthorizationApproved(
        user=command.user,
        session=command.session,
        authorization=command.authorization,
        device=command.device,
        at=command.at,
    )
