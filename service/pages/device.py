"""/device: a user types the code that their device shows (RFC 8628 section 3.3). /device/approved and others: what became of it."""

import time
from functools import partial

from starlette.responses import Response

from events.database import read
from events.envelope import ByUser
from projections import device_authorizations
from projections.device_authorizations import Row
from service.crypto import user_codes
from service.endpoints.authorize import Outcome
from service.grants.refusal_events import record_user_code
from service.http.asgi import address
from service.oauth.authorization_request import AskingDevice, AuthorizationRequest
from service.pages.browser import Visit
from service.pages.page import Page
from service.people.sessions import SignedIn
from service.refusals import TooManyAttempts
from service.waiting_devices import Origin

DEVICE = "/device"
WRONG = 403
OUTCOMES: tuple[Outcome, ...] = ("approved", "denied", "late")
CONSENT = ("consent",)
"""The user is asked each time: an earlier consent says nothing about this device."""


async def show(visit: Visit) -> Response:
    """A link with the code (verification_uri_complete) fills the form, which the user still compares and sends (section 3.3.1)."""
    typed = visit.given("user_code")
    return _form(visit, user_codes.read(typed) or "")


async def find(visit: Visit) -> Response:
    """Count every attempt as a guess until the code is found."""
    typed = visit.given("user_code")
    code, signed_in = user_codes.read(typed), await visit.signed_in()
    if code is None:
        return _form(visit, typed, wrong=True)
    row = await _waiting(visit, code, signed_in)
    seen = None if row is None else await visit.resources.lookup.client(row.client)
    if row is None or seen is None:
        return _form(visit, code, wrong=True)
    asked = _request(seen.client.client_id, row, code, await visit.resources.waiting_devices.origin(row.stream_id))
    return visit.__replace__(asked=asked).onward()


async def _waiting(visit: Visit, code: str, signed_in: SignedIn | None) -> Row | None:
    """Raises TooManyAttempts."""
    resources, place = visit.resources, address(visit.request.scope)
    user = None if signed_in is None else signed_in.user.stream_id
    by = None if signed_in is None else ByUser(user_id=signed_in.user.stream_id, session=signed_in.session.stream_id)
    try:
        attempt = await resources.attempts.begin_user_code(user, place)
    except TooManyAttempts:
        await record_user_code(resources, "throttled", by, place)
        raise
    hashed = resources.user_codes.hash(code)
    row = await read(resources.ledger.pool, lambda connection: device_authorizations.waiting(connection, hashed))
    if row is None:
        await record_user_code(resources, "not_known", by, place)
    else:
        await resources.attempts.succeeded(attempt)
    return row


def _request(client_id: str, row: Row, code: str, origin: Origin) -> AuthorizationRequest:
    return AuthorizationRequest(
        client_id=client_id,
        redirect_uri="",
        asked_at=time.time(),
        named=False,
        scopes=row.scopes,
        resource=row.resource,
        prompts=CONSENT,
        device=AskingDevice(stream=row.stream_id, user_code=code, address=origin.address, agent=origin.agent),
    )


def _form(visit: Visit, code: str, *, wrong: bool = False) -> Response:
    return visit.page("device.html", WRONG if wrong else 200, code=code, wrong=wrong)


async def show_outcome(outcome: Outcome, visit: Visit) -> Response:
    return visit.page("device_answered.html", outcome=outcome)


DEVICE_PAGE = Page(get=show, post=find)
ANSWERED_PAGES = {f"{DEVICE}/{outcome}": Page(get=partial(show_outcome, outcome)) for outcome in OUTCOMES}
