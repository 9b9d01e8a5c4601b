"""A form that waits while the person signs in again: sealed in a cookie, and filled in on its page when they are back."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct
from starlette.responses import Response

from service.console.place import KEPT_FORM
from service.pages.browser import Form, Visit
from service.pages.sealed_state import close, unsealed

SECONDS = 3600
"""As long as the pages of a sign-in may take."""

PASSWORD = "password"  # noqa: S105 - the name of a field

MOST = 2800
"""Characters of the cookie: nginx takes 4 kB of headers from a response, and this one redirects, too."""


class KeptForm(Struct, frozen=True, kw_only=True):
    """It is shown to this user only, on the page from which it came. `lacks_password` says that one was typed, and not kept."""

    user: UUID
    path: str
    fields: Mapping[str, str]
    lacks_password: bool = False

    def __repr__(self) -> str:
        return f"KeptForm({self.path!r})"


def fields_of(form: Form) -> Mapping[str, str]:
    """Return what the person typed and chose, but no password."""
    return {name: value for name, value in form.items() if name not in ("csrf", PASSWORD)}


def has_password(form: Form) -> bool:
    return bool(form.get(PASSWORD))


def sealed(visit: Visit, user: UUID) -> str | None:
    """Return the form of this request as the value of the cookie, or None if a cookie cannot hold it."""
    form, path = visit.form, visit.request.scope["path"]
    kept = KeptForm(user=user, path=path, fields=fields_of(form), lacks_password=has_password(form))
    text = close(visit, kept, SECONDS)
    return text if len(text) <= MOST else None


def keep(visit: Visit, response: Response, text: str) -> None:
    visit.set_cookie(response, KEPT_FORM, text, SECONDS)


def forget(visit: Visit, response: Response) -> None:
    visit.set_cookie(response, KEPT_FORM, "", 0)


def returned(visit: Visit, user: UUID) -> KeptForm | None:
    """Return the form that waits for this page, if there is one."""
    kept = unsealed(visit, visit.cookie(KEPT_FORM), KeptForm)
    here = visit.request.scope["path"]
    return kept if kept is not None and (kept.user, kept.path) == (user, here) else None
