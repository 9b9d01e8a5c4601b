"""A new secret, on its way from the answer of the API to the page that shows it once: sealed in a cookie, which that page removes.

A form can be sent again, and the API then repeats its answer (Idempotency-Key); a browser can send an old cookie. Once a secret was
shown, the console does not show it again.
"""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from msgspec import Struct
from starlette.responses import Response

from service.clock import utc_now
from service.console.api import Answer
from service.console.language import N_
from service.console.place import MADE_SECRET
from service.console.screen import ConsoleVisit
from service.pages.sealed_state import close, unsealed

SECONDS = 300
KEPT = timedelta(days=2)
"""Longer than the API repeats an answer."""

SHOWN = N_("The secret was shown before, and is shown only once. If nobody copied it, add another one.")


class MadeSecret(Struct, frozen=True, kw_only=True):
    user: UUID
    client_id: str
    secret: str

    def __repr__(self) -> str:
        return f"MadeSecret(client_id={self.client_id!r})"


async def to_its_page(
    visit: ConsoleVisit,
    location: str,
    answer: Answer,
    client_id: str,
    secret: str,
    *,
    said: str = "",
    again: str = SHOWN,
) -> Response:
    """Redirect to the page that shows the secret, whose URL `at` made, and the message. `again` says that it was shown before.

    Raises Unavailable.
    """
    if "idempotent-replayed" in answer.headers and await visit.browser.resources.limits.was_used(_shown(secret)):
        return visit.to(location, visit.gettext(again), "bad")
    response = visit.to(location, said)
    made = MadeSecret(user=visit.access.user, client_id=client_id, secret=secret)
    visit.browser.set_cookie(response, MADE_SECRET, close(visit.browser, made, SECONDS), SECONDS)
    return response


async def take(visit: ConsoleVisit, client_id: str) -> str:
    """Return the new secret of the client the first time, or "". The page that shows it then calls `forget`. Raises Unavailable."""
    made = unsealed(visit.browser, visit.browser.cookie(MADE_SECRET), MadeSecret)
    if made is None or (made.user, made.client_id) != (visit.access.user, client_id):
        return ""
    is_first = await visit.browser.resources.limits.once(_shown(made.secret), utc_now() + KEPT)
    return made.secret if is_first else ""


def forget(visit: ConsoleVisit, response: Response) -> Response:
    visit.browser.set_cookie(response, MADE_SECRET, "", 0)
    return response


def _shown(secret: str) -> str:
    """Return under which name it is kept that the secret was shown. It is random, so nobody finds it by its hash."""
    return f"secret shown {sha256(secret.encode()).hexdigest()}"
