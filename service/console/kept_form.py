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

MOST = 2800
"""Characters of the cookie: nginx takes 4 kB of headers from a response, and this one redirects, too."""


class KeptForm(Struct, frozen=True, kw_only=True):
    """It is shown to this user only, on the page from which it came."""

    user: UUID
    path: str
    fields: Mapping[str, str]

    def __repr__(self) -> str:
        return f"KeptForm({self.path!r})"


def fields_of(form: Form) -> Mapping[str, str]:
    """Return what the person typed and chose."""
    return {name: value for name, value in form.items() if name != "csrf"}


def sealed(visit: Visit, user: UUID) -> str | None:
    """Return the form of this request as the value of the cookie, or None if a cookie cannot hold it."""
    kept = KeptForm(user=user, path=visit.request.scope["path"], fields=fields_of(visit.form))
    text = close(visit, kept, SECONDS)
    return text if len(text) <= MOST else None


def keep(visit: Visit, response: Response, text: str) -> None:
    visit.set_cookie(response, KEPT_FORM, text, SECONDS)


def forget(visit: Visit, response: Response) -> None:
    visit.set_cookie(response, KEPT_FORM, "", 0)


def returned(visit: Visit, user: UUID) -> Mapping[str, str]:
    """Return the fields of the form that waits for this page; none if there is no such form."""
    kept = unsealed(visit, visit.cookie(KEPT_FORM), KeptForm)
    here = visit.request.scope["path"]
    return kept.fields if kept is not None and (kept.user, kept.path) == (user, here) else {}
