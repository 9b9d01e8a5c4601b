"""Most authorization requests of a client differ in a few parameters only. What was found of the others is remembered.

They are known by a digest: they may name a person, of whom nothing may stay here.
"""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from uuid import UUID

from msgspec import Struct, json

from projections.apis import Row as Api
from projections.clients import Found
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.authorize import OWN, checked, with_own
from service.oauth.request_parameters import RequestParameters
from service.values.latest import put

MOST = 1000
LONGEST = 1000
"""In bytes, as JSON. With MOST, these bound what strangers can have remembered."""


class _Checked(Struct, frozen=True):
    """A good request without what is its own, of a client at a version: its row may be long, and is the cache's to keep or to forget."""

    client: UUID
    version: int
    request: AuthorizationRequest


class RequestsAlike:
    """One per process. All are with the same APIs, which are others after the log lost history: then a version says nothing of what was
    before. The settings of a deployment stay as they are meanwhile.
    """

    def __init__(self) -> None:
        self._apis: Mapping[str, Api] = {}
        self._checked: OrderedDict[bytes, _Checked] = OrderedDict()

    def checked(self, asked: RequestParameters, found: Found) -> AuthorizationRequest:
        """Return what `authorize.checked` does of plain parameters. Raises Shown, Redirected, Fault."""
        alike = json.encode([each for each in asked.params.items() if each[0] not in OWN])
        if asked.twice or not found.may_act or len(alike) > LONGEST:
            return checked(asked, found)
        if asked.apis is not self._apis:
            self._apis, self._checked = asked.apis, OrderedDict()
        key, client = sha256(alike).digest(), found.client
        known = self._checked.get(key)
        if known is not None and known.client == client.stream_id and known.version == client.version:
            return with_own(asked, found, known.request)
        request = checked(asked, found)
        others = request.__replace__(state=None, nonce=None, code_challenge=None, login_hint=None)
        put(self._checked, key, _Checked(client.stream_id, client.version, others), MOST)
        return request
