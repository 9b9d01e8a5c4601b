"""Whether a form that arrives is one that this server gave to this very browser."""

import secrets
from collections.abc import Mapping
from hmac import compare_digest, digest
from urllib.parse import urlsplit

from service.crypto.sealing import derived

OWN_SITE = ("same-origin", "none")


def new_browser() -> str:
    """The random value that a browser's cookie has, and that its forms are bound to."""
    return secrets.token_urlsafe(32)


def token(master_key: bytes, browser: str, session: str = "") -> str:
    """What the forms given to this browser carry, and of which session they are. Whoever can set a cookie, but not read this page,
    cannot make it.
    """
    key = derived(master_key, "muniment forms")
    return f"{_mac(key, browser)}.{_mac(key, f'{session} {browser}')}"


def is_token(master_key: bytes, browser: str | None, given: str | None) -> bool:
    """Whether it was given to this browser, whosever session that had then."""
    if not browser or not given:
        return False
    return _same(token(master_key, browser).partition(".")[0], given.partition(".")[0])


def is_of(master_key: bytes, browser: str, session: str, given: str) -> bool:
    """Whether it was given to this browser while it had this session ("": none)."""
    return _same(token(master_key, browser, session), given)


def note(master_key: bytes, browser: str, text: str) -> str:
    """A text that one page of ours hands to the next in the query, so that no link of somebody else's can say it to this browser."""
    return f"{text}.{_mac(derived(master_key, 'muniment notes of pages'), f'{text} {browser}')}"


def noted(master_key: bytes, browser: str, given: str) -> str:
    """The text of such a note; "" when it is none, or another browser's."""
    text = given.rpartition(".")[0]
    return text if text and _same(note(master_key, browser, text), given) else ""


def _mac(key: bytes, text: str) -> str:
    return digest(key, text.encode("utf-8", "replace"), "sha256").hex()


def _same(wanted: str, given: str) -> bool:
    return compare_digest(wanted.encode(), given.encode("utf-8", "replace"))


def from_elsewhere(headers: Mapping[str, str], issuer: str) -> bool:
    """Whether the browser itself says that the form came from another site; one that says nothing has the token to prove it.

    `Origin: null` is what our own pages send, too: their Referrer-Policy is no-referrer. Then Sec-Fetch-Site decides.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in OWN_SITE:
        return True
    origin = headers.get("origin")
    return origin not in (None, "null", origin_of(issuer))


def origin_of(url: str) -> str:
    """Scheme, host and port (RFC 6454 section 6.2)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
