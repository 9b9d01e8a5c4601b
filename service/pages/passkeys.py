"""Passkeys on the pages: the challenge for the browser, and the check of its response."""

import logging
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from types import ModuleType
from typing import Any

from msgspec import Struct

from projections import users
from service.pages import sealed_state
from service.pages.browser import Visit
from service.people import factors
from service.people.factors import NotProved, Owner, Passkey, Relying

CHALLENGE_SECONDS = 3600
"""The lifetime of a challenge, which is that of an authorization request. Each challenge is accepted once."""

log = logging.getLogger("muniment.pages")


class Challenge(Struct, frozen=True, kw_only=True):
    random: bytes


def question(visit: Visit, has: list[Passkey]) -> dict[str, Any]:
    """Return the template values to request one of these passkeys (any, if empty); they are empty where passkeys cannot work."""
    us = relying(visit)
    if us is None:
        return {"options": None, "challenge": ""}
    challenge = Challenge(random=token_bytes(32))
    return {
        "options": _ceremonies().assertion(us, has, challenge.random),
        "challenge": sealed_state.close(visit, challenge, CHALLENGE_SECONDS),
    }


def wish(visit: Visit, owner: Owner, has: list[Passkey]) -> dict[str, Any]:
    """Return the template values to create a passkey."""
    us = relying(visit)
    if us is None:
        return {"options": None, "challenge": ""}
    challenge = Challenge(random=token_bytes(32))
    return {
        "options": _ceremonies().creation(us, owner, has, challenge.random),
        "challenge": sealed_state.close(visit, challenge, CHALLENGE_SECONDS),
    }


async def somebody(visit: Visit) -> users.Row | None:
    """Return the active user whose passkey responded, or None."""
    said = _ceremonies().owner_of(visit.given("passkey"))
    row = await visit.resources.people.row(said) if said else None
    if row is None or row.state != "active":
        return None
    return row if await proved(visit, await held(visit, row)) else None


async def held(visit: Visit, row: users.Row) -> list[Passkey]:
    return factors.passkeys(await factors.kept(visit.resources.people, row))


async def proved(visit: Visit, has: list[Passkey]) -> bool:
    """Return whether one of these passkeys signed the challenge of this page."""
    us, random = relying(visit), await _asked(visit)
    if us is None or random is None:
        return False
    try:
        _ceremonies().prove(us, has, visit.given("passkey"), random)
    except NotProved as fault:
        log.info("a passkey was refused: %s", fault)
        return False
    return True


async def made(visit: Visit, name: str) -> Passkey | None:
    """Return the new passkey that the browser made for this page, or None."""
    us, random = relying(visit), await _asked(visit)
    if us is None or random is None:
        return None
    try:
        return _ceremonies().made(us, visit.given("passkey"), random, name)
    except NotProved as fault:
        log.info("a new passkey was refused: %s", fault)
        return None


def relying(visit: Visit) -> Relying | None:
    return factors.relying(visit.resources.settings.issuer)


async def _asked(visit: Visit) -> bytes | None:
    """Return the challenge of the page with this form, the first time only."""
    challenge = sealed_state.unsealed(visit, visit.given("challenge"), Challenge)
    if challenge is None:
        return None
    until = datetime.now(UTC) + timedelta(seconds=CHALLENGE_SECONDS)
    first = await visit.resources.limits.once(f"challenge {challenge.random.hex()}", until)
    return challenge.random if first else None


def _ceremonies() -> ModuleType:
    from service.people import ceremonies  # noqa: PLC0415 - the library of passkeys is loaded only where they are used

    return ceremonies
