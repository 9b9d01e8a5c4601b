"""/signin/factor: the second step, for whoever has one set up."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct
from starlette.responses import Response

from projections import users
from service.limits import Limits
from service.pages import passkeys, slips
from service.pages.browser import Visit
from service.pages.door import Page
from service.pages.entering import TWO_FACTORS, enter, going_to
from service.people import factors
from service.people.factors import STEP_SECONDS, Kept, Totp

PATH = "/signin/factor"
HALF_SECONDS = 300
SPENT_SECONDS = 4 * STEP_SECONDS
"""Longer than any code can be good."""


class Half(Struct, frozen=True, kw_only=True):
    """Somebody whose password was right. Whatever happens to the account meanwhile (`version`) has them begin again."""

    user: UUID
    version: int


async def show(visit: Visit) -> Response:
    row = await _half(visit)
    return _late(visit) if row is None else await _form(visit, row)


async def check(visit: Visit) -> Response:
    """Every attempt is counted as a failure until it has succeeded."""
    row = await _half(visit)
    if row is None:
        return _late(visit)
    attempt = await visit.resources.attempts.begin_factor(row.stream_id)
    by_passkey = visit.given("do") == "passkey"
    if not await _proved(visit, row, by_passkey=by_passkey):
        return await _form(visit, row, "passkey" if by_passkey else "wrong")
    await visit.resources.attempts.succeeded(attempt)
    amr = ("pwd", "hwk", "user", "mfa") if by_passkey else ("pwd", "otp", "mfa")
    return await enter(visit, row.stream_id, amr, TWO_FACTORS)


async def _proved(visit: Visit, row: users.Row, *, by_passkey: bool) -> bool:
    kept = await factors.kept(visit.resources.people, row)
    if by_passkey:
        return await passkeys.proved(visit, factors.passkeys(kept))
    return await code_is_right(visit.resources.limits, kept, visit.given("code"))


async def code_is_right(limits: Limits, kept: list[Kept], code: str) -> bool:
    """Whether one of these apps shows this code, and nobody used it yet (RFC 6238 section 5.2)."""
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


async def _half(visit: Visit) -> users.Row | None:
    half = slips.opened(visit, visit.cookie("half"), Half)
    row = await visit.resources.people.row(half.user) if half else None
    return row if half and row and row.state == "active" and row.version == half.version else None


def _late(visit: Visit) -> Response:
    return visit.to("/signin", next=visit.given("next"), fault="late")


FACTOR = Page(get=show, post=check)
