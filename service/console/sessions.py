"""An open session as the pages show it: its browser, and what the user proved who they are with."""

from collections.abc import Mapping

from msgspec import Struct

from service.console.language import N_
from service.console.screen import ConsoleVisit
from service.endpoints.user_sessions import UserSession
from service.pages import devices
from service.pages.session_start import TWO_FACTORS

METHODS: Mapping[str, str] = {
    "pwd": N_("password"),
    "otp": N_("authenticator app"),
    "hwk": N_("passkey"),
    "fed": N_("upstream provider"),
}
"""By RFC 8176, those that say with what; `mfa` and `user` say no more."""


class Shown(Struct, frozen=True, kw_only=True):
    """`browser` is a short name, or "" if the browser is not known."""

    session: UserSession
    browser: str
    methods: list[str]
    two_factors: bool
    current: bool


def shown(visit: ConsoleVisit, session: UserSession) -> Shown:
    return Shown(
        session=session,
        browser=devices.named(session.user_agent or ""),
        methods=[visit.gettext(METHODS[each]) for each in session.amr if each in METHODS],
        two_factors=session.acr == TWO_FACTORS,
        current=session.id == visit.access.session,
    )
