"""Where things are, seen from a browser: below which path, and where a form may lead to."""

import re
from urllib.parse import urlsplit

GOES_AWAY = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
"""Of an answer that sends the browser on, with something in its address that is for nobody else."""

_host = re.compile(r"[a-z0-9.\-]+").fullmatch


def form_target(uri: str) -> str:
    """What `form-action` must name so that a form may end at this redirect URI, and nothing that could end the directive.

    A browser holds every redirect after a form against it, and clients redirect on from their callback, to other hosts of theirs:
    so of https it is the scheme that is named, of plain http the loopback host, of an app's own scheme that scheme.
    """
    parts = urlsplit(uri)
    host = parts.hostname or ""
    return f"http://{host}:*" if parts.scheme == "http" and _host(host) else f"{parts.scheme}:"


def below(issuer: str) -> str:
    """The path that the issuer is below, on its host: nothing, as a rule."""
    return urlsplit(issuer).path
