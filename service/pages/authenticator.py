"""/account/authenticator: set up an app that shows one-time codes. A code must first prove that the app has the secret."""

from uuid import UUID

from msgspec import Struct
from starlette.responses import Response

from service.clock import utc_now
from service.crypto.credentials import new_id
from service.pages import sealed_state, security
from service.pages.browser import Visit
from service.pages.consent import host_of
from service.pages.factor import code_is_right
from service.pages.page import Page
from service.pages.session_start import AUTHENTICATOR, person_of
from service.people import factors
from service.people.factors import Kept, Totp
from service.people.sessions import SignedIn

SETUP_SECONDS = 600
LONGEST_NAME = 100


class Setup(Struct, frozen=True, kw_only=True):
    """The app being set up. Its secret is only on the page."""

    setup_id: UUID
    user: UUID
    secret: str

    def __repr__(self) -> str:
        return "Setup(…)"


async def show(visit: Visit) -> Response:
    signed_in = await visit.signed_in()
    if signed_in is None or not security.recent(signed_in):
        return visit.to("/signin", next=AUTHENTICATOR)
    return await _page(visit, signed_in, _new(signed_in))


async def confirm(visit: Visit) -> Response:
    signed_in = await visit.signed_in()
    setup = sealed_state.unsealed(visit, visit.given("setup"), Setup)
    if signed_in is None or not security.recent(signed_in):
        return visit.to("/signin", next=AUTHENTICATOR)
    if setup is None or setup.user != signed_in.user.stream_id:
        return visit.to(AUTHENTICATOR)
    named = Totp(secret=setup.secret, name=_name(visit))
    kept = Kept(factor_id=setup.setup_id, what=named, created_at=utc_now())
    if not await code_is_right(visit.resources.limits, [kept], visit.given("code")):
        return await _page(visit, signed_in, setup, fault="wrong")
    return await security.add(visit, signed_in, kept)


def _name(visit: Visit) -> str:
    """Return the user's name for the app, in one line."""
    return "".join(c for c in visit.given("name") if c.isprintable())[:LONGEST_NAME].strip()


def _new(signed_in: SignedIn) -> Setup:
    return Setup(setup_id=new_id(), user=signed_in.user.stream_id, secret=factors.new_totp().secret)


async def _page(visit: Visit, signed_in: SignedIn, setup: Setup, *, fault: str = "") -> Response:
    import segno  # noqa: PLC0415 - it takes a megabyte, and few users come here

    person = await person_of(visit, signed_in)
    issuer = f"Muniment {host_of(visit.resources.settings.issuer)}".replace(":", " ")
    otpauth = factors.uri(Totp(secret=setup.secret), person.email or person.name, issuer)
    return visit.page(
        "authenticator.html",
        security.WRONG if fault else 200,
        at="security",
        person=person,
        fault=fault,
        setup=sealed_state.close(visit, setup, SETUP_SECONDS),
        secret=" ".join(setup.secret[at : at + 4] for at in range(0, len(setup.secret), 4)),
        name=_name(visit),
        otpauth=otpauth,
        picture=segno.make(otpauth, micro=False).svg_data_uri(scale=5, border=0),
    )


AUTHENTICATOR_PAGE = Page(get=show, post=confirm, personal=True)
