"""The first checks of an authorization request: its client and its redirect URI. Until both are valid, every error is shown to the user."""

from collections.abc import Sequence

from projections.clients import Found
from service.oauth import redirect_match
from service.oauth.errors import Shown
from service.oauth.request_parameters import RequestParameters
from service.values.scopes import OPENID, split

DISABLED = ("The client is disabled", "Its owner or an operator can enable it again.")
"""Title and detail of Shown."""


class Mismatch(Shown):
    """The redirect URI is not registered for the client. `why` is for the log: it names the parts that differ and quotes nothing."""

    def __init__(self, parts: Sequence[str]) -> None:
        self.why = f"redirect_uri differs in: {', '.join(parts)}"
        super().__init__(
            "The redirect_uri is not registered for this client",
            f"It differs from the nearest registered one in: {', '.join(parts)}. Every character counts.",
            "Nothing was sent to that address. Register this redirect URI, or correct the request.",
        )


def client_is_known(asked: RequestParameters, found: Found | None) -> Found:
    """Return the client, through which people may sign in. Raises Shown."""
    if "client_id" in asked.twice or "client_id" not in asked.params:
        raise Shown("The parameter client_id is missing or occurs more than once", "Send it once.")
    if found is None:
        raise Shown(
            "No client has this client_id",
            "Check the client_id. The client may have been deleted, or may be registered on another server.",
        )
    if not found.may_act:
        raise Shown(*DISABLED, status=403)
    if found.client.grant_type != "authorization_code":
        raise Shown(
            "People cannot sign in through this client",
            "It is for machines (m2m: true). Register an interactive client (m2m: false).",
        )
    return found


def redirect_uri_is_registered(asked: RequestParameters, found: Found) -> tuple[str, bool]:
    """Return the redirect URI, and whether the request contained it: then the token request must too (RFC 6749 section 4.1.3). Raises Shown."""
    registered = found.client.redirect_uris
    given = asked.params.get("redirect_uri")
    if "redirect_uri" in asked.twice:
        raise Shown("The parameter redirect_uri occurs more than once", "Send it once.")
    if given is None:
        if len(registered) == 1 and OPENID not in split(asked.params.get("scope")) and not asked.pushed:
            return registered[0], False
        if asked.fault is not None:
            raise Shown("The request object cannot be used", str(asked.fault))
        raise Shown(
            "The parameter redirect_uri is missing",
            "Send it as a parameter of its own, even where a request object contains it.",
        )
    if not redirect_match.matches(given, registered):
        raise Mismatch(redirect_match.differences(given, registered))
    return given, True
