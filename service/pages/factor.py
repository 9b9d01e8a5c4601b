"""/signin/factor: the second step, for users who have a second factor."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct
from starlette.responses import Response

from projections import users
from service.http.asgi import cookie
from service.limits import Limits
from service.pages import passkeys, sealed_state
from service.pages.browser import Visit
from service.pages.page import Page
from service.pages.session_start import TWO_FACTORS, enter, going_to, late
from service.people import factors
from service.people.factors import STEP_SECONDS, Kept, Totp

PATH = "/signin/factor"
HALF_SECONDS = 300
SPENT_SECONDS = 4 * STEP_SECONDS
"""Longer than any code is valid."""


class Half(Struct, frozen=True, kw_only=True):
    """A sign-in after its first step. It starts over if the account changes meanwhile (`version`).

    `amr` is the method of the first step (RFC 8176). `proved_at` is its time, if it happened at an upstream provider.
    """

    user: UUID
    version: int
    amr: tuple[str, ...]
    proved_at: datetime | None = None


def begin(visit: Visit, row: users.Row, amr: tuple[str, ...], proved_at: datetime | None = None) -> Response:
    """Redirect to this step after the first one."""
    response = visit.to(PATH, next=visit.given("next"))
    half = Half(user=row.stream_id, version=row.version, amr=amr, proved_at=proved_at)
    visit.set_cookie(response, "half", sealed_state.close(visit, half, HALF_SECONDS), HALF_SECONDS)
    return response


async def show(visit: Visit) -> Response:
    half = await _half(visit)
    return late(visit) if half is None else await _form(visit, half[1])


async def check(visit: Visit) -> Response:
    found = await _half(visit)
    if found is None:
        return late(visit)
    half, row = found
    by_passkey = visit.given("do") == "passkey"
    if not await (_passkey_proved(visit, row) if by_passkey else _code_proved(visit, row)):
        return await _form(visit, row, "passkey" if by_passkey else "wrong")
    amr = (*half.amr, *(("hwk", "user") if by_passkey else ("otp",)), "mfa")
    return await enter(visit, row, amr, TWO_FACTORS, proved_at=half.proved_at)


async def _passkey_proved(visit: Visit, row: users.Row) -> bool:
    """Check the passkey. Attempts are not counted: a signature cannot be guessed, and counts would let an attacker with only the password
    lock the user out.
    """
    return await passkeys.proved(visit, await passkeys.held(visit, row))


async def _code_proved(visit: Visit, row: users.Row) -> bool:
    """Count every attempt as failed until it succeeds."""
    attempts = visit.resources.attempts
    attempt = await attempts.begin_factor(row.stream_id, cookie(visit.request.scope, attempts.cookie))
    kept = await factors.kept(visit.resources.people, row)
    right = await code_is_right(visit.resources.limits, kept, visit.given("code"))
    if right:
        await attempts.succeeded(attempt)
    return right


async def code_is_right(limits: Limits, kept: list[Kept], code: str) -> bool:
    """Return whether one of these apps shows this code, and the code was not used before (RFC 6238 section 5.2)."""
    now = datetime.now(UTC)
    for each in kept:
        step = factors.step_of(each.what, code, now) if isinstance(each.what, Totp) else None
        if step is not None:
            return await limits.once(f"totp {each.factor_id.hex} {step}", now + timedelta(seconds=SPENT_SECONDS))
    return False


async def _form(visit: Visit, row: users.Row, fault: str = "") -> Response:
    kept = await factors.kept(visit.resources.people, row)
    has = factors.passkeys(kept)
    question = passkeys.question(visit, has) if has else {"options": None, "challenge": ""}
    return visit.page(
        "factor.html",
        403 if fault else 200,
        totp=any(isinstance(each.what, Totp) for each in kept),
        fault=fault,
        next=visit.given("next") and going_to(visit),
        **question,
    )


async def _half(visit: Visit) -> tuple[Half, users.Row] | None:
    half = sealed_state.unsealed(visit, visit.cookie("half"), Half)
    row = await visit.resources.people.row(half.user) if half else None
    return (half, row) if half and row and row.state == "active" and row.version == half.version else None


FACTOR = Page(get=show, post=check)
