"""Checks that a form is one that this server gave to this browser (protection against cross-site request forgery)."""

import secrets
from collections.abc import Mapping
from functools import lru_cache
from hmac import compare_digest, digest
from urllib.parse import urlsplit

from service.crypto.sealing import derived

OWN_SITE = ("same-origin", "none")


def new_browser() -> str:
    """Return a random value for a browser's cookie, to which its forms are bound."""
    return secrets.token_urlsafe(32)


def token(master_key: bytes, browser: str, session: str = "") -> str:
    """Return the token of the forms of this browser and session. An attacker who can only set a cookie cannot make it."""
    key = _key(master_key, "muniment forms")
    return f"{_mac(key, browser)}.{_mac(key, f'{session} {browser}')}"


def is_token(master_key: bytes, browser: str | None, given: str | None) -> bool:
    """Return whether this browser got the token, in any session."""
    if not browser or not given:
        return False
    return _same(token(master_key, browser).partition(".")[0], given.partition(".")[0])


def is_of(master_key: bytes, browser: str, session: str, given: str) -> bool:
    """Return whether this browser got the token while it had this session ("": none)."""
    return _same(token(master_key, browser, session), given)


def note(master_key: bytes, browser: str, text: str) -> str:
    """Return a signed text for the query of our next page. A link from elsewhere cannot show such a text in this browser."""
    return f"{text}.{_mac(_key(master_key, 'muniment notes of pages'), f'{text} {browser}')}"


def noted(master_key: bytes, browser: str, given: str) -> str:
    """Return the text of such a note, or "" if it is not one, or was made for another browser."""
    text = given.rpartition(".")[0]
    return text if text and _same(note(master_key, browser, text), given) else ""


@lru_cache(maxsize=4)
def _key(master_key: bytes, purpose: str) -> bytes:
    """Return what each page needs, and is the same for all."""
    return derived(master_key, purpose)


def _mac(key: bytes, text: str) -> str:
    return digest(key, text.encode("utf-8", "replace"), "sha256").hex()


def _same(wanted: str, given: str) -> bool:
    return compare_digest(wanted.encode(), given.encode("utf-8", "replace"))


def from_elsewhere(headers: Mapping[str, str], issuer: str) -> bool:
    """Return whether the browser's headers say that the form came from another site. Without these headers, the token decides.

    Our own pages send `Origin: null`, too, because their Referrer-Policy is no-referrer. Then Sec-Fetch-Site decides.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in OWN_SITE:
        return True
    origin = headers.get("origin")
    return origin not in (None, "null", origin_of(issuer))


def is_read_elsewhere(headers: Mapping[str, str]) -> bool:
    """Return whether a page is requested as a part of another site's page, or ahead of time, before anybody wants to see it.

    A link on another site is none of this: it leads the person to the page, so they see what is read in their name. Browsers
    without these headers send no cookie along (SameSite=Lax), unless both sites have the same registrable domain.
    """
    if "prefetch" in headers.get("sec-purpose", ""):
        return True
    if headers.get("sec-fetch-site", "none") in OWN_SITE:
        return False
    return (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) != ("navigate", "document")


def origin_of(url: str) -> str:
    """Return scheme, host and port (RFC 6454 section 6.2)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
