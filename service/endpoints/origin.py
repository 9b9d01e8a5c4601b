"""Where a URI belongs, as a Content-Security-Policy names it."""

from urllib.parse import urlsplit


def origin_of(uri: str) -> str:
    """`https://host:port`, or the scheme alone of an app's own (`com.example.app:`)."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("https", "http") else f"{parts.scheme}:"
