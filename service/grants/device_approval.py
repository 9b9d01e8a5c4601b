"""The answer of a user to a device (RFC 8628 section 3.3). An approval makes an ordinary authorization, whose code is the device code."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import json

from events.authorization import CodeIssued
from events.device_authorization import Approved, DeviceAuthorizationRequested, Waiting
from events.envelope import ByUser, Meta
from projections.clients import Found
from service.clock import utc_now
from service.commands.device_authorization import ApproveDevice, DenyDevice
from service.commands.handle import DEVICE_AUTHORIZATION, handle, state_of
from service.crypto.credentials import new_id
from service.grants.code_issuance import record_authorization
from service.oauth.authorization_request import AskingDevice, AuthorizationRequest
from service.people.sessions import Device, SignedIn
from service.reactions import session_end
from service.refusals import Contradiction, DoesNotExist
from service.request_id import envelope
from service.resources import Resources

LAST_POLL = timedelta(minutes=1)
"""A device that asks slowly may learn of an approval in the last moment only after its code has expired."""

ANSWERED_BEFORE = "device_answered_before"


class TooLate(Exception):
    """The code has expired or was answered before, so nothing was changed."""


async def approve(resources: Resources, request: AuthorizationRequest, found: Found, signed_in: SignedIn) -> None:
    """Record the authorization, and then that the device has it. Raises TooLate, SessionOver, ConsentWithdrawn."""
    device = request.device
    assert device is not None
    state = await state_of(resources.ledger, DEVICE_AUTHORIZATION, device.stream)
    if isinstance(state, Approved) and request.consented == signed_in.session.stream_id:
        return  # the user sent the same answer twice
    if not isinstance(state, Waiting) or not _is_in_time(state.requested, found):
        raise TooLate
    authorization = new_id()
    code = _code(state.requested, device.stream)
    await record_authorization(resources, request, found, signed_in, stream=authorization, issued=code)
    command = ApproveDevice(
        user=signed_in.user.stream_id,
        session=signed_in.session.stream_id,
        authorization=authorization,
        device=await resources.people.seal(signed_in.user.stream_id, json.encode(_origin(device))),
        at=utc_now(),
    )
    try:
        await _answer(resources, device.stream, command, signed_in)
    except TooLate:  # another answer came first, so no device has what was granted for this one
        await session_end.revoke(resources.ledger, [authorization], ANSWERED_BEFORE, _by(signed_in))
        raise


async def deny(resources: Resources, device: AskingDevice, signed_in: SignedIn) -> None:
    """Raises TooLate."""
    command = DenyDevice(user=signed_in.user.stream_id, session=signed_in.session.stream_id, at=utc_now())
    await _answer(resources, device.stream, command, signed_in)


def redeemable_until(requested: DeviceAuthorizationRequested) -> datetime:
    """Until when the device gets the tokens that its user approved in time."""
    return requested.expires_at + LAST_POLL


async def _answer(resources: Resources, stream: UUID, command: ApproveDevice | DenyDevice, by: SignedIn) -> None:
    try:
        await handle(resources.ledger, DEVICE_AUTHORIZATION, stream, command, _by(by))
    except (Contradiction, DoesNotExist) as fault:
        raise TooLate from fault


def _is_in_time(requested: DeviceAuthorizationRequested, found: Found) -> bool:
    """A request from before the client was deleted and restored is worth nothing."""
    return utc_now() < requested.expires_at and requested.life == found.client.restored


def _code(requested: DeviceAuthorizationRequested, stream: UUID) -> CodeIssued:
    return CodeIssued(
        hash=requested.hash,
        redirect_uri="",
        named=False,
        code_challenge=None,
        expires_at=redeemable_until(requested),
        at=utc_now(),
        device=stream,
    )


def _origin(device: AskingDevice) -> Device:
    return Device(address=device.address, agent=device.agent)


def _by(signed_in: SignedIn) -> Meta:
    return envelope(ByUser(user_id=signed_in.user.stream_id, session=signed_in.session.stream_id))
