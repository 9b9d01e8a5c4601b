"""Where the console is, and the cookie of a browser that is signed in to it."""

from functools import lru_cache
from urllib.parse import quote

from events.ids import path_id

PATH = "/console"
CALLBACK = f"{PATH}/callback"
SIGN_OUT = f"{PATH}/sign-out"
ASSETS = f"{PATH}/assets"
COOKIE, NOTICE, KEPT_FORM, MADE_SECRET = "console", "console_notice", "console_form", "console_secret"
"""The names of cookies (Visit.cookie): who is signed in; a message that the next page shows once; a form that waits for a sign-in; and a
new secret, until a page has shown it."""


@lru_cache(maxsize=1024)
def segment(text: str) -> str:
    """Return a part of a path, with its slash: an id, quoted."""
    return f"/{quote(path_id(text), safe='')}"
