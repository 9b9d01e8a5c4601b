"""Parse the body of an OAuth request (application/x-www-form-urlencoded) strictly: no parameter twice that may come once, printable ASCII, limits."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import chain
from urllib.parse import unquote_to_bytes

from service.oauth.errors import InvalidRequest

MOST_PARAMETERS = 50
LONGEST_NAME = 80
"""How many characters of a parameter's name an error quotes. The name is untrusted input."""

LONGEST_KEPT_URI = 255
"""Longer redirect URIs are decoded each time and are not kept."""

FORM = "application/x-www-form-urlencoded"
PRINTABLE = bytes(range(0x20, 0x7F))
REPEATABLE = frozenset(("resource", "audience"))
"""A request for a token for several APIs has one such parameter for each (RFC 8707 section 2, RFC 8693 section 2.1)."""

Form = dict[str, str]
Pairs = Sequence[tuple[str, str]]


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == FORM


def parse(content_type: str, body: bytes, *, any_text: bool = False, repeatable: Collection[str] = REPEATABLE) -> Form:
    """Return the parameters that have a value. One without a value counts as omitted (RFC 6749 section 3.2).

    With `any_text`, they may have other characters than printable ASCII, as those of an authorization request may.

    Raises InvalidRequest.
    """
    if content_type != FORM and not is_form(content_type):
        raise InvalidRequest(f"Send the parameters in the body, as Content-Type: {FORM}.")
    if body.count(b"&") >= MOST_PARAMETERS:
        raise InvalidRequest(f"There are more than {MOST_PARAMETERS} parameters.")
    try:
        pairs = pairs_of(body.decode("utf-8"))
    except UnicodeDecodeError as fault:
        raise InvalidRequest("The body is not UTF-8.") from fault
    if twice := repeated(pairs, repeatable):
        raise InvalidRequest(f"Parameters given more than once: {', '.join(name[:LONGEST_NAME] for name in twice)}.")
    if not any_text and not (_is_plain(body) or _is_printable("".join(chain.from_iterable(pairs)))):
        odd = sorted(name[:LONGEST_NAME] for name, value in pairs if not _is_printable(name + value))
        raise InvalidRequest(f"Parameters with characters that are not printable ASCII: {', '.join(odd)}.")
    return joined(pairs)


def pairs_of(text: str) -> Pairs:
    """Return what urllib's parse_qsl returns, in a third of its time: most of what clients send is not encoded. Raises UnicodeDecodeError."""
    pairs: list[tuple[str, str]] = []
    for pair in text.replace("+", " ").split("&"):
        if pair:
            name, _, value = pair.partition("=")
            if "%" in pair:
                is_uri = name == "redirect_uri" and len(value) <= LONGEST_KEPT_URI
                name, value = _decoded(name), (_decoded_uri if is_uri else _decoded)(value)
            pairs.append((name, value))
    return pairs


def _decoded(text: str) -> str:
    """Return what unquote returns with errors="strict", which cuts the text into its ASCII parts before."""
    return unquote_to_bytes(text).decode() if "%" in text else text


_decoded_uri = lru_cache(maxsize=1024)(_decoded)
"""A client has few redirect URIs, and each request names one of them. Other parameters may be about a person, of whom nothing stays here."""


def _is_plain(body: bytes) -> bool:
    """Whether all of it is printable ASCII as it is. Most bodies are, and to see it of their bytes takes a tenth of the time."""
    return b"%" not in body and not body.translate(None, PRINTABLE)


def _is_printable(text: str) -> bool:
    return text.isascii() and text.isprintable()


def repeated(pairs: Pairs, repeatable: Collection[str] = REPEATABLE) -> tuple[str, ...]:
    """Return the names of the parameters that may occur once only, and occur more often, sorted."""
    if len(dict(pairs)) == len(pairs):
        return ()
    names = [name for name, _ in pairs]
    return tuple(sorted({name for name in names if name not in repeatable and names.count(name) > 1}))


def joined(pairs: Pairs) -> Form:
    """Return the parameters that have a value. Spaces separate the values of a repeated one: no URI has a space."""
    form: Form = dict(pairs)
    if len(form) == len(pairs) and all(form.values()):
        return form
    form = {}
    for name, value in pairs:
        if value:
            form[name] = f"{form[name]} {value}" if name in form and name in REPEATABLE else value
    return form
