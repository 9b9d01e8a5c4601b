"""Parse the body of an OAuth request (application/x-www-form-urlencoded) strictly: no repeated parameters, printable ASCII, limits."""

from urllib.parse import parse_qsl

from service.oauth.errors import InvalidRequest, InvalidTarget

MOST_PARAMETERS = 50
LONGEST_NAME = 80
"""How many characters of a parameter's name an error quotes. The name is untrusted input."""

FORM = "application/x-www-form-urlencoded"
ONE_RESOURCE = "A token is for one resource; the parameter resource may come once only."

Form = dict[str, str]


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == FORM


def parse(content_type: str, body: bytes, *, any_text: bool = False) -> Form:
    """Return the parameters that have a value. One without a value counts as omitted (RFC 6749 section 3.2).

    With `any_text`, they may have other characters than printable ASCII, as those of an authorization request may.

    Raises InvalidRequest, InvalidTarget.
    """
    if not is_form(content_type):
        raise InvalidRequest(f"Send the parameters in the body, as Content-Type: {FORM}.")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except UnicodeDecodeError as fault:
        raise InvalidRequest("The body is not UTF-8.") from fault
    except ValueError as fault:
        raise InvalidRequest(f"There are more than {MOST_PARAMETERS} parameters.") from fault
    form = dict(pairs)
    if len(form) != len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice == ["resource"]:  # RFC 8707 section 2 allows this for servers whose tokens can have several audiences
            raise InvalidTarget(ONE_RESOURCE)
        raise InvalidRequest(f"Parameters given more than once: {', '.join(name[:LONGEST_NAME] for name in twice)}.")
    odd = (
        []
        if any_text
        else sorted(
            name[:LONGEST_NAME]
            for name, value in pairs
            if not (name.isascii() and name.isprintable() and value.isascii() and value.isprintable())
        )
    )
    if odd:
        raise InvalidRequest(f"Parameters with characters that are not printable ASCII: {', '.join(odd)}.")
    return {name: value for name, value in pairs if value}
