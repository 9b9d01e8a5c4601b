"""The page about a thing that evidence names, if the console has one that the reader may see."""

from collections.abc import Mapping

from events.ids import is_document, is_ours
from service.console.registration import CLIENT_ID
from service.console.registry import screens
from service.console.screen import ConsoleVisit

SECTIONS: Mapping[str, str] = {
    "client": "clients",
    "bot": "bots",
    "user": "users",
    "api": "apis",
    "token": "tokens",
    "change": "audit",
    "trusted_issuer": "trusted-issuers",
    "initial_access_token": "initial-access-tokens",
    "issuer": "trusted-issuers",
}
"""By the kinds of a blast radius and the nouns of events. A change has the position of its event as its id."""


def page_about(visit: ConsoleVisit, kind: str, id_: str) -> str:
    """Return the URL of the page; "" if there is none."""
    section = SECTIONS.get(kind)
    if section is None:
        return ""
    page = next(each for each in screens() if each.path.startswith(f"/{section}/{{") and each.path.count("/") == 2)
    return visit.at(section, id_) if page.needs is None or visit.may(page.needs) else ""


def page_of_client(visit: ConsoleVisit, recorded: str) -> str:
    """Return the URL of the page about a client that an event or a token names. They name an imported client by its stream, which is no
    client_id: then it is "".
    """
    return (
        page_about(visit, "client", recorded)
        if recorded == CLIENT_ID or is_ours(recorded) or is_document(recorded)
        else ""
    )
