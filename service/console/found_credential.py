"""A secret or token that somebody pasted: whose it is, and the page about what follows from it."""

from msgspec import UNSET
from starlette.responses import Response

from service.blast_radius.credentials import RecognizedCredential
from service.console.api import Refused
from service.console.language import N_
from service.console.names import Names
from service.console.screen import ConsoleVisit
from service.endpoints import credentials

KINDS = {
    "secret": N_("This secret belongs to the client %(client)s."),
    "accessToken": N_("This access token was issued to the client %(client)s."),
    "code": N_("This code was issued to the client %(client)s."),
    "refreshToken": N_("This refresh token was issued to the client %(client)s."),
    "registrationToken": N_(
        "This registration access token belongs to the client %(client)s, which registered itself."
    ),
    "initialAccessToken": N_("This is the initial access token “%(token)s”, with which clients register themselves."),
}


NOBODYS = N_(
    "No client got this secret or token here. A secret from another server is known once its client has used it here, and a token for as long"
    " as issued tokens are kept."
)


async def led(visit: ConsoleVisit, text: str, since: str | None) -> Response | None:
    """Return the redirect to its page, or None for what this server does not know. The text is in no URL and in no event."""
    try:
        found = (await visit.api.send("POST", credentials.PATH, {"credential": text})).of(RecognizedCredential)
    except Refused as fault:
        if fault.problem.status not in (400, 404):
            raise
        return None
    if found.client_id is UNSET:
        said = visit.gettext(KINDS[found.kind]) % {"token": found.initial_access_token_name}
        return visit.to(visit.at("initial-access-tokens"), said)
    client, names = ("client", found.client_id), Names(visit)
    await names.learn([client])
    return visit.to(
        _page(visit, found, found.client_id, since), visit.gettext(KINDS[found.kind]) % {"client": names.of(client)}
    )


def _page(visit: ConsoleVisit, found: RecognizedCredential, client_id: str, since: str | None) -> str:
    """What follows from a credential; of one that led to nothing yet, its client."""
    if found.jti is not None:
        return visit.at("tokens", found.jti)
    if found.secret_id is not None:
        return visit.at("clients", client_id, "blast-radius", id=str(found.secret_id), since=since)
    if found.authorization is None:
        return visit.at("clients", client_id)
    return visit.at("blast-radius", id=str(found.authorization), since=since)
