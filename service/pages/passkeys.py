"""Passkeys on the pages: the question that a page puts to the browser, and what its answer proves."""

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
"""As long as an authorization request lasts: the question is put when the page is, and answered once."""

log = logging.getLogger("muniment.pages")


class Challenge(Struct, frozen=True, kw_only=True):
    random: bytes


def question(visit: Visit, has: list[Passkey]) -> dict[str, Any]:
    """What a page needs to ask for one of these, or (of nobody in particular) for any; nothing where passkeys cannot be."""
    us = relying(visit)
    if us is None:
        return {"options": None, "challenge": ""}
    challenge = Challenge(random=token_bytes(32))
    return {
        "options": _ceremonies().assertion(us, has, challenge.random),
        "challenge": sealed_state.close(visit, challenge, CHALLENGE_SECONDS),
    }


def wish(visit: Visit, owner: Owner, has: list[Passkey]) -> dict[str, Any]:
    """What a page needs to have a new one made."""
    us = relying(visit)
    if us is None:
        return {"options": None, "challenge": ""}
    challenge = Challenge(random=token_bytes(32))
    return {
        "options": _ceremonies().creation(us, owner, has, challenge.random),
        "challenge": sealed_state.close(visit, challenge, CHALLENGE_SECONDS),
    }


async def somebody(visit: Visit) -> users.Row | None:
    """The active person whose passkey answered, whoever that is."""
    said = _ceremonies().owner_of(visit.given("passkey"))
    row = await visit.resources.people.row(said) if said else None
    if row is None or row.state != "active":
        return None
    return row if await proved(visit, await held(visit, row)) else None


async def held(visit: Visit, row: users.Row) -> list[Passkey]:
    return factors.passkeys(await factors.kept(visit.resources.people, row))


async def proved(visit: Visit, has: list[Passkey]) -> bool:
    """Whether one of these answered the question of this page."""
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
    """The new passkey that the browser made for this page."""
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
    """The challenge of the page that this form is from, the first time that it comes back."""
    challenge = sealed_state.unsealed(visit, visit.given("challenge"), Challenge)
    if challenge is None:
        return None
    until = datetime.now(UTC) + timedelta(seconds=CHALLENGE_SECONDS)
    first = await visit.resources.limits.once(f"challenge {challenge.random.hex()}", until)
    return challenge.random if first else None


def _ceremonies() -> ModuleType:
    from service.people import ceremonies  # noqa: PLC0415 - where passkeys cannot be, their library is never loaded

    return ceremonies
