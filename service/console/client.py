"""What the pages of one client have in common: the client, its name, and its version."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct
from starlette.responses import Response

from events.ids import path_id
from service.console.api import CLIENTS
from service.console.screen import ConsoleVisit, Crumb
from service.endpoints.client_settings import OAuthClient
from service.endpoints.history_schemas import HistoryEntry

PATH = "/clients/{client_id}"
"""`Tab.of` of the pages of a client."""


class Subject(Struct, frozen=True, kw_only=True):
    """The client of this page, and the version of it that was read (an ETag, for If-Match)."""

    client: OAuthClient
    version: str

    @property
    def name(self) -> str:
        return self.client.display_name or self.client.client_id


def path(visit: ConsoleVisit, *rest: str) -> str:
    """Return a path of the API below the client of this page."""
    return "/".join((CLIENTS, visit.param("client_id"), *rest))


async def read(visit: ConsoleVisit) -> Subject:
    """Raises Refused, with status 404 for a client that does not exist or is another owner's."""
    found = await visit.api.get(path(visit))
    return Subject(client=found.of(OAuthClient), version=found.etag)


def page(
    visit: ConsoleVisit, subject: Subject, template: str, *, status: int = 200, title: str = "", **context: Any
) -> Response:
    """Return a page about the client. Its template extends client_base.html. `title` is that of a page which is no tab of the client."""
    crumbs = [Crumb(visit.gettext("Clients"), "/clients")]
    if title:
        crumbs.append(Crumb(subject.name, f"/clients/{quote(path_id(subject.client.client_id), safe='')}"))
    return visit.page(
        template,
        title=f"{title} · {subject.name}" if title else subject.name,
        crumbs=crumbs,
        status=status,
        client=subject.client,
        version=subject.version,
        **context,
    )


def name_before(past: Sequence[HistoryEntry]) -> str:
    """Return the name that a deleted client had, by the newest entry of its history; "" if it had none."""
    name = past[0].changes.get("displayName") if past else None
    return name.before if name is not None and isinstance(name.before, str) else ""
