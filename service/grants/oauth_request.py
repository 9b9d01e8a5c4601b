"""One request to an OAuth endpoint: its form, the Authorization header and where it comes from."""

from msgspec import Struct

from service.oauth.errors import InvalidRequest
from service.oauth.form import Form
from service.resources import Resources


class OAuthRequest(Struct, frozen=True, kw_only=True):
    """`authorization` is the header's value; `address` is the client's."""

    resources: Resources
    form: Form
    authorization: str | None
    address: str


def required(form: Form, name: str) -> str:
    value = form.get(name)
    if value is None:
        raise InvalidRequest(f"The parameter {name} is missing. Send it in the body.")
    return value
