"""What the pages of one user have in common: the user, and their name."""

from typing import Any

from msgspec import Struct
from starlette.responses import Response

from service.console.api import USERS
from service.console.screen import ConsoleVisit, Crumb
from service.endpoints.user_schemas import User

PATH = "/users/{user_id}"
"""`Tab.of` of the pages of a user."""


class Subject(Struct, frozen=True, kw_only=True):
    """The user of this page. `mine` says that it is the person who looks at it."""

    user: User
    mine: bool

    @property
    def name(self) -> str:
        return self.user.name or self.user.email or str(self.user.id)


def path(visit: ConsoleVisit, *rest: str) -> str:
    """Return a path of the API below the user of this page."""
    return "/".join((USERS, visit.param("user_id"), *rest))


def here(visit: ConsoleVisit, *rest: str) -> str:
    """Return the URL of a page about this user."""
    return visit.at("users", visit.param("user_id"), *rest)


async def read(visit: ConsoleVisit) -> Subject:
    """Raises Refused, with status 404 for a user who does not exist or is erased."""
    found = (await visit.api.get(path(visit))).of(User)
    return Subject(user=found, mine=found.id == visit.access.user)


def page(visit: ConsoleVisit, subject: Subject, template: str, *, status: int = 200, **context: Any) -> Response:
    """Return a page about the user. Its template extends user_base.html."""
    crumbs = [Crumb(visit.gettext("Users"), "/users")]
    return visit.page(
        template,
        title=subject.name,
        crumbs=crumbs,
        status=status,
        user=subject.user,
        mine=subject.mine,
        **context,
    )
