"""URLs as the browser sees them: the path of the server, and the target of a form."""

import re
from functools import cache
from urllib.parse import urlsplit

GOES_AWAY = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
"""For a response that redirects the browser to a URL that only the target may see."""

_host = re.compile(r"[a-z0-9.\-]+").fullmatch


def form_target(uri: str) -> str:
    """Return a source for `form-action` that allows this redirect URI, without a character that could end the directive.

    A browser checks every redirect after a form against it, and clients redirect from their callback to other hosts of their own.
    So the source is only the scheme for https and for an app's own scheme, and the loopback host for plain http.
    """
    parts = urlsplit(uri)
    host = parts.hostname or ""
    return f"http://{host}:*" if parts.scheme == "http" and _host(host) else f"{parts.scheme}:"


@cache
def below(issuer: str) -> str:
    """Return the issuer's path on its host, which is usually empty."""
    return urlsplit(issuer).path
