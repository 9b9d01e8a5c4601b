"""Whom the service trusts when it asks others over TLS."""

import os
import ssl
from functools import cache

import httpx


def trusted() -> ssl.SSLContext:
    """Return what each client of the process verifies certificates by. SSL_CERT_FILE and SSL_CERT_DIR name a company's own CA."""
    return _read(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _read(_file: str | None, _directory: str | None) -> ssl.SSLContext:
    """Reading a hundred certificates takes 20 ms, and keeping them half a megabyte: once is enough."""
    return httpx.create_ssl_context()
