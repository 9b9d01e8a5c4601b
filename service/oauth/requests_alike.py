"""Most authorization requests of a client differ in a few parameters only. What was found of the others is remembered, the oldest first."""

from collections.abc import Mapping

from msgspec import Struct

from projections.apis import Row as Api
from projections.clients import Found, Row
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.authorize import OWN, RequestParameters, checked, with_own

MOST = 1000
LONGEST = 1000
"""In characters of all parameters together. With MOST, these bound what strangers can have remembered."""

Alike = tuple[tuple[str, str], ...]


class _Checked(Struct, frozen=True):
    """A good request, of a client as it was then and with the APIs of then."""

    client: Row
    apis: Mapping[str, Api]
    request: AuthorizationRequest


class RequestsAlike:
    """One per process. The settings of a deployment stay as they are meanwhile."""

    def __init__(self) -> None:
        self._checked: dict[Alike, _Checked] = {}

    def checked(self, asked: RequestParameters, found: Found) -> AuthorizationRequest:
        """Return what `authorize.checked` does of plain parameters. Raises Shown, Redirected, Fault."""
        if asked.twice or not found.may_act:
            return checked(asked, found)
        key = tuple([each for each in asked.params.items() if each[0] not in OWN])
        known = self._checked.get(key)
        if known is not None and known.client is found.client and known.apis is asked.apis:
            return with_own(asked, found, known.request)
        request = checked(asked, found)
        self._keep(key, _Checked(found.client, asked.apis, request))
        return request

    def _keep(self, key: Alike, good: _Checked) -> None:
        if sum(len(name) + len(value) for name, value in key) > LONGEST:
            return
        self._checked.pop(key, None)
        self._checked[key] = good
        while len(self._checked) > MOST:
            del self._checked[next(iter(self._checked))]
