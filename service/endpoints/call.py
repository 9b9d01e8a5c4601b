"""One request to the management API, as the function for its path and method gets it."""

from uuid import UUID

from msgspec import Struct
from starlette.requests import Request
from starlette.types import Scope

from events.envelope import ByClient, Meta
from service.callers import Caller
from service.endpoints import reason_header
from service.http.asgi import address, header, route_of
from service.http.last_head import once_a_head
from service.request_id import envelope
from service.resources import Resources


class Call(Struct, frozen=True, kw_only=True):
    """One request, by a caller who is authorized to make it."""

    request: Request
    resources: Resources
    caller: Caller
    request_id: UUID
    body: bytes

    @property
    def content_type(self) -> str | None:
        return once_a_head(self.request.scope, _content_type)

    @property
    def reason(self) -> str | None:
        """The reason that the caller gives for the change. Raises Invalid."""
        return reason_header.read(self.request)

    @property
    def meta(self) -> Meta:
        """The envelope of the change. Raises Invalid if its reason has a fault, so nothing is changed then."""
        actor = ByClient(client_id=self.caller.client_id, sub=self.caller.sub)
        return envelope(actor, address=origin(self.request, self.caller), reason=self.reason)


def _content_type(scope: Scope) -> str | None:
    return header(scope, b"content-type")


def template(request: Request) -> str:
    """Return the path as its route has it, such as /api/v1/auth/users/{user_id}: in the place of an id a client may put a person's name."""
    return route_of(request.scope) or request.scope["path"]  # one that was found without its route has no id in it


def origin(request: Request, caller: Caller) -> str | None:
    """Return the address, except that of a user, which the log could never forget."""
    return None if caller.is_user else address(request.scope)
