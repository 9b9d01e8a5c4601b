"""Text of strangers is read in linear time: a pattern that searches again and again would stop the whole process."""

from collections.abc import Callable
from time import thread_time

import pytest

from events import ids
from service.crypto import user_codes
from service.network import freshness, redirect_uri
from service.oauth import certificates, document_client, target_uri, targets
from service.values import text

LENGTH = 100_000
"""Work that grows with the square takes minutes at this length, and what is linear takes milliseconds."""
MOST_SECONDS = 30

PIECES = (
    "a",
    "A",
    " ",
    "a ",
    "-",
    "=",
    '"',
    '="',
    ",",
    ";",
    ";a=",
    ';Cert="',
    'A="\\',
    "%2f",
    "/",
    ".",
    ":",
    "@",
    "[",
    "\t",
    "\\",
    "a=b;",
    "\u2010",
)
ENDS = ("", "!", '"', 'x"y', "\x00", "\u2100")


def _cache_control(value: str) -> object:
    return freshness.fresh_seconds({"cache-control": value, "age": value, "expires": value}, 0, freshness.Kept())


def _xfcc(value: str) -> object:
    try:
        return certificates.read(certificates.XFCC, value[: certificates.LONGEST])
    except certificates.BadCertificate:
        return None


def _document_url(value: str) -> object:
    try:
        return document_client.check_url(value)
    except document_client.InvalidDocument:
        return None


READERS: dict[str, Callable[[str], object]] = {
    "Cache-Control": _cache_control,
    "x-forwarded-client-cert": _xfcc,
    "the code of a device": user_codes.read,
    "the htu of a proof": target_uri.normalized,
    "the URL of a document": _document_url,
    "the id of a client": ids.client_stream,
    "the id of an API": ids.api_stream,
    "a redirect URI": redirect_uri.faults,
    "a resource": targets.is_absolute,
    "a name": text.name_fault,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_what_a_stranger_sends_is_read_in_linear_time(read: Callable[[str], object]):
    started = thread_time()
    for beginning in ("", "a=", "a", "https://", "https://a/"):
        for piece in PIECES:
            for end in ENDS:
                read((beginning + piece * (LENGTH // len(piece)))[:LENGTH] + end)
    assert thread_time() - started < MOST_SECONDS
