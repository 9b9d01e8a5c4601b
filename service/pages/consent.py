"""/consent: shows which client asks for which access, and records the user's answer."""

from urllib.parse import urlsplit

from starlette.responses import Response

from service.endpoints.authorize import answered, sent
from service.grants.device_approval import TooLate, deny
from service.lookup import Seen
from service.oauth import redirects
from service.oauth.authorization_request import AskingDevice
from service.pages import api_words, devices
from service.pages.browser import Visit, by
from service.pages.page import Page
from service.pages.session_start import person_of
from service.pages.unverified import unverified
from service.people.sessions import SignedIn
from service.use_cases import consents
from service.values.scopes import split

ALLOW, DENY = "allow", "deny"
SELECT_ACCOUNT = "select_account"


async def show(visit: Visit) -> Response:
    asked, signed_in = visit.goal(), await visit.signed_in()
    if signed_in is None:
        return visit.onward()
    seen = await visit.resources.lookup.named(asked.client_id)
    name = seen.client.display_name if seen else None
    apis, resources = visit.resources.lookup.apis, split(asked.resource)
    return visit.page(
        "consent.html",
        name=name,
        client_id=asked.client_id,
        chose_name=name is not None and not _is_first_party(seen),
        unverified=unverified(seen),
        on_device=not asked.device and not asked.redirect_uri.startswith("https://"),
        host=host_of(asked.redirect_uri),
        place=_place(visit, asked.redirect_uri),
        device=asked.device,
        program=devices.named(asked.device.agent) if asked.device else "",
        another=_as_another(visit),
        scopes=asked.to_allow,
        words=api_words.words(apis, resources, visit.language),
        apis=api_words.names(apis, resources),
        person=await person_of(visit, signed_in),
    )


async def answer(visit: Visit) -> Response:
    asked, signed_in = visit.goal(), await visit.signed_in()
    if visit.given("consent") == DENY and asked.device is not None and signed_in is not None:
        return await _denied(visit, asked.device, signed_in)
    if visit.given("consent") == DENY and asked.device is None:
        issuer = visit.resources.settings.issuer
        refused = redirects.refused(asked, issuer, "access_denied", "The user denied the request.")
        return sent(refused, visit.resources)
    if signed_in is None or visit.given("consent") != ALLOW:
        return visit.onward()
    resources = visit.resources
    seen = await resources.lookup.named(asked.client_id)
    await consents.give(
        resources.ledger,
        signed_in.user.stream_id,
        asked,
        resources.lookup.apis,
        by(signed_in),
        again=seen is not None and seen.client.self_registered is not None,
    )
    return visit.onward(consented=signed_in.session.stream_id)


async def _denied(visit: Visit, device: AskingDevice, signed_in: SignedIn) -> Response:
    try:
        await deny(visit.resources, device, signed_in)
    except TooLate:
        return answered(visit.resources, "late")
    return answered(visit.resources, "denied")


def _is_first_party(seen: Seen | None) -> bool:
    """Return whether an operator vouches for the client, and so for its name. Every other owner chooses a client's name freely."""
    return seen is not None and seen.client.login is not None and seen.client.login.first_party


def host_of(uri: str) -> str:
    """Return the target of a redirect URI as users may know it: its host, or the scheme of an app on their device."""
    parts = urlsplit(uri)
    return parts.netloc if is_web(uri) else parts.scheme


def is_web(uri: str) -> bool:
    return urlsplit(uri).scheme in ("https", "http")


def _place(visit: Visit, uri: str) -> str:
    """Return the same target in words for the middle of a sentence."""
    host = host_of(uri)
    return host if is_web(uri) else visit.gettext("the app {scheme} on this device").format(scheme=host)


def _as_another(visit: Visit) -> str:
    """Return the URL where another user continues the same request, which then is answered for that user."""
    asked = visit.goal()
    prompts = tuple(dict.fromkeys((*asked.prompts, SELECT_ACCOUNT)))
    return visit.__replace__(asked=asked.__replace__(prompts=prompts, chosen=None)).url("/signin")


CONSENT_PAGE = Page(get=show, post=answer, personal=True)
