"""/signin/upstream: sign in through the upstream OpenID Provider. /signin/upstream/callback: the return from it."""

import logging
import time
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from events.envelope import ByService, Meta
from projections import users
from service.configuration.upstream import Upstream
from service.endpoints.authorize import sent
from service.http.origin import GOES_AWAY
from service.oauth import redirects
from service.oauth.authorization_request import LIFETIME_SECONDS, AuthorizationRequest
from service.oauth.federation import Begun, Identity, UpstreamAway, UpstreamRefused, UpstreamStale, proved_at
from service.pages import factor, sealed_state
from service.pages.browser import Visit
from service.pages.page import Page
from service.pages.session_start import AUTHENTICATOR, FEDERATED, ONE_FACTOR, SECURITY, enter, going_to
from service.people import upstream_claims
from service.people.accounts import NameTaken
from service.people.upstream_claims import Told
from service.problems import Clash, NotFound
from service.refusals import DomainRefusal
from service.request_id import envelope
from service.use_cases import roles
from service.values.profile import Profile, changed

if TYPE_CHECKING:
    from service.oauth.upstream import Directory

SECONDS = LIFETIME_SECONDS
"""The time that a sign-in at the provider may take, as on our own pages."""

KEPT_SECONDS = 2 * SECONDS
"""The lifetime of the cookie. It is longer, so that a user who returns too late can be led back to the client's request."""

COOKIE = "upstream"
MOST_CARRIED = 6600
"""The total size of these cookies in characters. Proxies usually accept 8 KiB of headers, and every request to this host has them."""

PART = 3800
"""The size of one cookie in characters; browsers accept 4,096 with its name. An authorization request may need several cookies. The
`state` parameter cannot carry it instead, because some providers (this server too) do not accept one of that length.
"""

TOO_LONG = (
    "The request is too long to sign in through the upstream provider: send a shorter state, nonce or login_hint."
)
FED = (FEDERATED,)
ATTEMPTS = 3

log = logging.getLogger("muniment.upstream")


async def leave(visit: Visit) -> Response:
    """Redirect to the provider. A cookie keeps the values that its response must match (OpenID Connect Core 1.0 section 3.1.2.1)."""
    request = visit.resources.requests.close(visit.asked) if visit.asked else ""
    if visit.asked and len(request) > MOST_CARRIED:
        refused = redirects.refused(visit.asked, visit.resources.settings.issuer, "invalid_request", TOO_LONG)
        return sent(refused, visit.resources)
    parts = [request[start : start + PART] for start in range(0, len(request), PART)]
    next_ = visit.given("next") and going_to(visit)
    try:
        url, begun = await _directory(visit).begin(next_=next_, parts=len(parts), max_age=_max_age(visit))
    except UpstreamAway as fault:
        return _told(visit, "away", fault)
    response = RedirectResponse(url, 303, headers=GOES_AWAY)
    visit.set_cookie(response, COOKIE, sealed_state.close(visit, begun, KEPT_SECONDS), KEPT_SECONDS)
    for number, part in enumerate(parts):
        visit.set_cookie(response, f"{COOKIE}_{number}", part, KEPT_SECONDS)
    return response


async def come_back(visit: Visit) -> Response:
    """Handle the provider's response to the sign-in that this browser began (RFC 6749 section 10.12, RFC 9207). Raises NoRequest."""
    directory = _directory(visit)
    begun = sealed_state.unsealed(visit, visit.cookie(COOKIE), Begun)
    if begun is None or not compare_digest(begun.state.encode(), visit.given("state").encode("utf-8", "replace")):
        return _told(visit, "late")
    visit = visit.__replace__(asked=_asked(visit, begun), form={"next": begun.next})
    if (
        begun.at + SECONDS < time.time()
    ):  # if a client waits, its request has expired too, and `_asked` has raised NoRequest, whose page offers to start over
        return _ended(visit, begun, _told(visit, "late"))
    return _ended(visit, begun, await _entered(visit, directory, begun))


async def _entered(visit: Visit, directory: "Directory", begun: Begun) -> Response:
    try:
        identity = await _identity(visit, directory, begun)
        at = proved_at(identity.auth_time, begun, time.time())
    except UpstreamAway as fault:
        return _told(visit, "away", fault)
    except UpstreamStale as fault:
        return _told(visit, "stale", fault)
    except UpstreamRefused as fault:
        denied = visit.request.query_params.get("error") == "access_denied"
        return _told(visit, "denied" if denied else "refused", fault)
    if at is None:  # it counts as an authentication as long ago as a session lasts
        at = time.time() - visit.resources.settings.session_lifetime
    return await _let_in(visit, directory.upstream, identity, datetime.fromtimestamp(at, UTC))


async def _identity(visit: Visit, directory: "Directory", begun: Begun) -> Identity:
    query = visit.request.query_params
    if query.get("iss", directory.upstream.issuer) != directory.upstream.issuer:
        raise UpstreamRefused("the response names another issuer")
    if "error" in query or not query.get("code"):
        raise UpstreamRefused("the provider returned an error, or no code")
    return await directory.finish(begun, query["code"])


async def _let_in(visit: Visit, upstream: Upstream, identity: Identity, at: datetime) -> Response:
    said = upstream_claims.told(identity.claims, upstream.claims)
    for claim in said.faults:
        log.warning("upstream sign-in: a value of the claim %s cannot be used", claim)
    name = (upstream.issuer, identity.sub)
    row = await visit.resources.people.find_upstream(*name)
    row = await _registered(visit, name, said) if row is None else await _refreshed(visit, row, said)
    row = row and await _with_roles(visit, upstream, row, said)
    if row is None:
        return _told(visit, "taken")
    if row.state != "active":
        return _told(visit, "stopped")
    if row.factors:
        return factor.begin(visit, row, FED, at)
    return await enter(visit, row, FED, ONE_FACTOR, proved_at=at)


async def _registered(visit: Visit, name: tuple[str, str], said: Told) -> users.Row | None:
    """Return None if another user has the e-mail address: the same address at the provider does not prove that they are the same person."""
    profile = changed(Profile(email=said.email), said.changes)
    people, verified = visit.resources.people, said.email is not None
    meta = _by("first sign-in through the upstream provider")
    try:
        return await people.row(await people.register(profile, None, meta, verified=verified, upstream=name))
    except NameTaken:  # perhaps by this user's other request at the same moment
        return await people.find_upstream(*name)


async def _refreshed(visit: Visit, row: users.Row, said: Told) -> users.Row | None:
    """Update the profile from the provider's claims. (Not the e-mail address, by which an account is found.)

    Raises Clash if former groups could not be replaced, so that no user signs in with outdated groups.
    """
    people = visit.resources.people
    if row.state != "active":
        return row
    for _ in range(ATTEMPTS):
        try:
            await people.change_profile(row.stream_id, said.changes, _by("sign-in through the upstream provider"))
            break
        except DomainRefusal:  # for example, because of another change at the same moment
            continue
    else:
        profile = await people.profile(row)
        if profile is None or profile.groups != said.changes.get("groups", profile.groups):
            raise Clash("The claims of the upstream provider could not be stored. Sign in again.")
        log.warning("upstream sign-in: the profile was not changed, because it takes no change")
    return await people.row(row.stream_id)


async def _with_roles(visit: Visit, upstream: Upstream, row: users.Row, said: Told) -> users.Row | None:
    """Give and take roles because of the groups that the provider named now. Those that a person gave stay.

    Raises Clash if this could not be stored, so that no user signs in with outdated roles.
    """
    people, groups = visit.resources.people, upstream.with_roles(said.changes.get("groups", ()))
    wanted = upstream.roles_of(groups)
    if row.state != "active" or set(wanted) == set(row.group_roles):
        return row
    named = (
        f"{upstream.host} named the groups: {', '.join(groups)}" if groups else f"{upstream.host} named no such group"
    )
    meta = _by("sign-in through the upstream provider", reason=named)
    try:
        await roles.set_by_groups(people, visit.resources.ledger, row.stream_id, wanted, meta)
    except DomainRefusal as fault:
        raise Clash("The roles that come from groups could not be stored. Sign in again.") from fault
    return await people.row(row.stream_id)


def _by(why: str, *, reason: str | None = None) -> Meta:
    return envelope(ByService(why=why), reason=reason)


def _max_age(visit: Visit) -> int | None:
    """Return max_age for the provider: if a client or our page requires a new authentication, the provider must do it."""
    asked = visit.asked
    if visit.given("anew") or (asked is None and visit.given("next") in (SECURITY, AUTHENTICATOR)):
        return 0
    if asked is None:
        return None
    return 0 if "login" in asked.prompts or asked.essential_acrs else asked.max_age


def _asked(visit: Visit, begun: Begun) -> AuthorizationRequest | None:
    sealed = "".join(visit.cookie(f"{COOKIE}_{number}") or "" for number in range(begun.parts))
    return visit.resources.requests.open(sealed) if begun.parts else None


def _directory(visit: Visit) -> "Directory":
    if visit.resources.directory is None:
        raise NotFound("No upstream provider is configured.")
    return visit.resources.directory


def _told(visit: Visit, fault: str, cause: Exception | None = None) -> Response:
    """Return a page that says why the sign-in failed, and how to continue."""
    if cause is not None:
        log.warning("upstream sign-in: %s", cause)
    statuses = {"away": 503, "taken": 409, "stopped": 403, "stale": 403}
    upstream = visit.resources.settings.upstream
    return visit.page(
        "upstream.html",
        statuses.get(fault, 400),
        fault=fault,
        host=upstream.host if upstream else "",
        next=visit.given("next") and going_to(visit),
    )


def _ended(visit: Visit, begun: Begun, response: Response) -> Response:
    """Delete the cookies, which are valid only once."""
    for name in (COOKIE, *(f"{COOKIE}_{number}" for number in range(begun.parts))):
        visit.set_cookie(response, name, "", 0)
    return response


UPSTREAM = Page(get=leave)
CALLBACK = Page(get=come_back)
