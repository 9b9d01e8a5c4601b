"""The parameters of an authorization request as they came, and what they are checked against."""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from events.client_key import PublicKey
from projections.apis import Row as Api
from service.oauth.errors import Shown
from service.oauth.form import joined, pairs_of, repeated
from service.oauth.parameters import Fault, Params
from service.oauth.targets import Known

MOST_PARAMETERS = 50
UNREAD = ("The request cannot be read", f"Send it in UTF-8, with at most {MOST_PARAMETERS} parameters.")
"""Title and detail of Shown."""


class RequestParameters(Struct, frozen=True, kw_only=True):
    """The parameters of a request, the names of repeated ones, and the server's settings. `now` is in seconds since 1970."""

    params: Params
    twice: tuple[str, ...]
    issuer: str
    now: float
    insecure: Collection[str] = ()
    """Hosts for which plain http is allowed."""
    pkce_of_all: bool = False
    pushed: bool = False
    """Whether the client itself sent them, to /openid/par."""
    keys: Sequence[PublicKey] = ()
    """The client's, which verify a request object."""
    signed: bool = False
    """Whether they come from a verified request object."""
    fault: Fault | None = None
    """What is wrong with the request object."""
    apis: Mapping[str, Api] = {}
    audience: str = ""

    @property
    def known(self) -> Known:
        return Known(issuer=self.issuer, audience=self.audience, insecure=self.insecure, registered=self.apis)


def parse(text: bytes) -> tuple[Params, tuple[str, ...]]:
    """Return the parameters that have a value, each once, and the names of the repeated ones, sorted. Raises Shown."""
    if text.count(b"&") >= MOST_PARAMETERS:
        raise Shown(*UNREAD)
    try:
        pairs = pairs_of(text.decode("utf-8"))
    except UnicodeDecodeError as fault:
        raise Shown(*UNREAD) from fault
    return joined(pairs), repeated(pairs)
