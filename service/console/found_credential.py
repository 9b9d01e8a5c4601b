"""A secret or token that somebody pasted: whose it is, and the page about what follows from it."""

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
    client, names = ("client", found.client_id), Names(visit)
    await names.learn([client])
    return visit.to(_page(visit, found, since), visit.gettext(KINDS[found.kind]) % {"client": names.of(client)})


def _page(visit: ConsoleVisit, found: RecognizedCredential, since: str | None) -> str:
    if found.jti is not None:
        return visit.at("tokens", found.jti)
    if found.secret_id is not None:
        return visit.at("clients", found.client_id, "blast-radius", id=str(found.secret_id), since=since)
    return visit.at("blast-radius", id=str(found.authorization), since=since)
