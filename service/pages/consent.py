"""/consent: who asks for what, in words; and the answer, which is remembered."""

from urllib.parse import urlsplit

from starlette.responses import Response

from events.consent import stream_of
from service.commands.consent import GiveConsent
from service.commands.handle import CONSENT, handle
from service.endpoints.authorize import sent
from service.oauth import redirects
from service.oauth.server import utc_now
from service.pages.browser import Visit, by
from service.pages.door import Page
from service.pages.entering import client_name, person_of

ALLOW, DENY = "allow", "deny"


async def show(visit: Visit) -> Response:
    asked, signed_in = visit.goal(), await visit.signed_in()
    if signed_in is None:
        return visit.onward()
    return visit.page(
        "consent.html",
        client=await client_name(visit),
        host=host_of(asked.redirect_uri),
        scopes=asked.scopes,
        resource=asked.resource,
        person=await person_of(visit, signed_in),
    )


async def answer(visit: Visit) -> Response:
    asked, signed_in = visit.goal(), await visit.signed_in()
    if visit.given("consent") == DENY:
        issuer = visit.resources.settings.issuer
        return sent(redirects.refused(asked, issuer, "access_denied", "The person said no."))
    if signed_in is None or visit.given("consent") != ALLOW:
        return visit.onward()
    user = signed_in.user.stream_id
    command = GiveConsent(
        user=user, client_id=asked.client_id, resource=asked.resource, scopes=asked.scopes, at=utc_now()
    )
    stream = stream_of(user, asked.client_id, asked.resource)
    await handle(visit.resources.ledger, CONSENT, stream, command, by(signed_in))
    return visit.onward(consented=signed_in.session.stream_id)


def host_of(uri: str) -> str:
    """Where a redirect URI leads, as a person may know it: its host, or the scheme of an app on their device."""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme in ("https", "http") else f"{parts.scheme}:"


CONSENT_PAGE = Page(get=show, post=answer)
