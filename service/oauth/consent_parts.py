"""A user's consent is for one API: the parts of an authorization request that names several."""

from collections.abc import Mapping

from projections.apis import Row as Api
from service.oauth.authorization_request import AuthorizationRequest
from service.values.scopes import split

Part = tuple[str | None, tuple[str, ...]]


def parts_of(request: AuthorizationRequest, apis: Mapping[str, Api]) -> list[Part]:
    """Return each resource (None: the default audience) with the scopes that the user allows there.

    A scope that only other APIs of the request have is not among them. Each API gets those that are about the user.
    """
    resources = split(request.resource)
    if len(resources) < 2:
        return [(request.resource, request.to_allow)]
    scopes_of = {resource: _vocabulary(apis, resource) for resource in resources}
    every = {scope for scopes in scopes_of.values() if scopes is not None for scope in scopes}
    return [
        (resource, tuple(s for s in request.to_allow if scopes is None or s in scopes or s not in every))
        for resource, scopes in scopes_of.items()
    ]


def _vocabulary(apis: Mapping[str, Api], resource: str) -> frozenset[str] | None:
    """Return the scopes of a registered API; None for any other, which may have any."""
    api = apis.get(resource)
    return None if api is None else frozenset(scope.name for scope in api.terms.scopes)
