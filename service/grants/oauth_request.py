"""A request to an OAuth endpoint: its form, its Authorization header and its client address."""

from msgspec import Struct

from service.oauth.errors import InvalidRequest
from service.oauth.form import Form
from service.resources import Resources


class OAuthRequest(Struct, frozen=True, kw_only=True):
    """`authorization` is the value of the Authorization header; `address` is the client's IP address."""

    resources: Resources
    form: Form
    authorization: str | None
    address: str


def required(form: Form, name: str) -> str:
    """Return the parameter. Raises InvalidRequest if it is missing."""
    value = form.get(name)
    if value is None:
        raise InvalidRequest(f"The parameter {name} is missing. Send it in the body.")
    return value
