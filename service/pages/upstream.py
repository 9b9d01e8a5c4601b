"""/signin/upstream: sign in with the company's own OpenID Provider; /signin/upstream/callback: back from there."""

import logging
from hmac import compare_digest
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import structs
from starlette.responses import RedirectResponse, Response

from events.envelope import ByService, Meta
from service.credentials import new_id
from service.oauth.asked import AuthorizationRequest
from service.oauth.federation import Begun, Identity, UpstreamAway, UpstreamRefused
from service.pages import slips
from service.pages.browser import OVER, Visit
from service.pages.door import Page
from service.pages.entering import ONE_FACTOR, enter
from service.people.accounts import NameTaken, Profile
from service.problems import NotFound

if TYPE_CHECKING:
    from service.oauth.upstream import Directory

SECONDS = 600
COOKIE = "upstream"
LONGEST_EMAIL, LONGEST_NAME = 254, 200

log = logging.getLogger("muniment.upstream")


async def leave(visit: Visit) -> Response:
    """On to the provider, and in a cookie what must come back from there (OpenID Connect Core 1.0 section 3.1.2.1)."""
    request = visit.resources.requests.close(visit.asked) if visit.asked else ""
    try:
        url, begun = await _directory(visit).begin(request, visit.given("next"), **_wishes(visit.asked))
    except UpstreamAway as fault:
        return _told(visit, "away", fault)
    response = RedirectResponse(url, 303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    visit.set_cookie(response, COOKIE, slips.close(visit, begun, SECONDS), SECONDS)
    return response


async def come_back(visit: Visit) -> Response:
    """What the provider says, for the very sign-in that this browser began (RFC 6749 section 10.12, RFC 9207)."""
    directory = _directory(visit)
    begun = slips.opened(visit, visit.cookie(COOKIE), Begun)
    if begun is None or not compare_digest(begun.state.encode(), visit.given("state").encode("utf-8", "replace")):
        return _told(visit, "late")
    visit = structs.replace(visit, asked=_asked(visit, begun), form={"next": begun.next})
    try:
        identity = await _identity(visit, directory, begun)
    except UpstreamAway as fault:
        return _ended(visit, _told(visit, "away", fault))
    except UpstreamRefused as fault:
        return _ended(visit, _told(visit, "refused", fault))
    return _ended(visit, await _let_in(visit, directory.upstream.issuer, identity))


async def _identity(visit: Visit, directory: "Directory", begun: Begun) -> Identity:
    query = visit.request.query_params
    if query.get("iss", directory.upstream.issuer) != directory.upstream.issuer:
        raise UpstreamRefused("the answer is of another issuer")
    if "error" in query or not query.get("code"):
        raise UpstreamRefused("the provider said no")
    return await directory.finish(begun, query["code"])


async def _let_in(visit: Visit, issuer: str, identity: Identity) -> Response:
    people = visit.resources.people
    row = await people.find_upstream(issuer, identity.sub)
    user = None if row is None else row.stream_id
    if row is None:
        if not identity.email or len(identity.email) > LONGEST_EMAIL or "@" not in identity.email:
            return _told(visit, "nameless")
        user = await _registered(visit, issuer, identity)
    elif row.state != "active":
        return _told(visit, "stopped")
    return _told(visit, "taken") if user is None else await enter(visit, user, ("fed",), ONE_FACTOR)


async def _registered(visit: Visit, issuer: str, identity: Identity) -> UUID | None:
    """None when somebody else has the e-mail address: who has the same address at the provider is not proved to be them."""
    assert identity.email
    profile = Profile(
        email=identity.email,
        name=_short(identity.name),
        given_name=_short(identity.given_name),
        family_name=_short(identity.family_name),
    )
    people = visit.resources.people
    meta = Meta(actor=ByService(why="first sign-in through the upstream provider"), request_id=str(new_id()))
    verified, upstream = identity.email_verified is True, (issuer, identity.sub)
    try:
        return await people.register(profile, None, meta, verified=verified, upstream=upstream)
    except NameTaken:  # by them, if they came twice at the same moment
        row = await people.find_upstream(issuer, identity.sub)
        return None if row is None else row.stream_id


def _wishes(asked: AuthorizationRequest | None) -> dict[str, str]:
    """A client that wants somebody to prove themselves anew wants it of whoever they prove themselves to."""
    if asked is None:
        return {}
    login = {"prompt": "login"} if "login" in asked.prompts else {}
    return login if asked.max_age is None else {**login, "max_age": str(asked.max_age)}


def _short(name: str | None) -> str | None:
    return "".join(c for c in name if c.isprintable())[:LONGEST_NAME] or None if name else None


def _asked(visit: Visit, begun: Begun) -> AuthorizationRequest | None:
    return visit.resources.requests.open(begun.request) if begun.request else None


def _directory(visit: Visit) -> "Directory":
    if visit.resources.directory is None:
        raise NotFound(OVER)
    return visit.resources.directory


def _told(visit: Visit, fault: str, cause: Exception | None = None) -> Response:
    """A page that says why this was no sign-in, and the ways on."""
    if cause is not None:
        log.warning("upstream sign-in: %s", cause)
    statuses = {"away": 503, "taken": 409, "stopped": 403}
    upstream = visit.resources.settings.upstream
    return visit.page("upstream.html", statuses.get(fault, 400), fault=fault, host=upstream.host if upstream else "")


def _ended(visit: Visit, response: Response) -> Response:
    """What the browser kept is good once."""
    visit.set_cookie(response, COOKIE, "", 0)
    return response


UPSTREAM = Page(get=leave)
CALLBACK = Page(get=come_back)
