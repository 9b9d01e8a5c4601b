"""What a token is for: the APIs that a request names (RFC 8707), and what the client may have there.

The default audience stands for every API of before: it has the client's own scopes. A registered API has its own scopes, of which a
client has those that it is granted. A scope that several of the named APIs have is left out unless the client has it in each of them:
an API that reads it in a token for several would take it for its own.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from msgspec import Struct

from events.api import ApiTerms
from projections.apis import Row as Api
from projections.clients import Row
from service.oauth.errors import InvalidTarget
from service.oauth.parameters import NO_RESOURCE, is_resource, own_scopes_of_persons
from service.values.scopes import MANAGEMENT, split

MOST_RESOURCES = 10
LONGEST_NAMED = 100
MANAGEMENT_PATH = "/api/v1"
ABSOLUTE_URI = r"^[A-Za-z][A-Za-z0-9+.\-]*:[!$-;=?-\[\]_a-z~]+$"
TOO_MANY = f"A token is for {MOST_RESOURCES} resources at most. Ask for several tokens."
UNKNOWN = (
    " The resource is no API of this server, so it has no scopes here. An operator registers it under exactly this identifier"
    " (muniment apis create): a slash at the end of a path matters."
)
FOR_MACHINES = (
    "The management API is for machines: people use the console. Leave out the resource, or name one of another API."
)


_is_absolute = re.compile(ABSOLUTE_URI).fullmatch
_is_host = re.compile(r"https?://[^/?#]+/?", re.IGNORECASE).fullmatch


class Known(Struct, frozen=True, kw_only=True):
    """The APIs of this deployment: those of its settings, and the registered ones by their identifiers."""

    issuer: str
    audience: str
    insecure: Collection[str] = ()
    registered: Mapping[str, Api] = {}

    @property
    def management(self) -> str:
        return management_of(self.issuer)

    @property
    def reserved(self) -> frozenset[str]:
        """The identifiers that no API may be registered with."""
        return frozenset((self.issuer, self.audience, self.management))

    def as_registered(self, identifier: str) -> str:
        """Return the identifier as its API is registered. An empty path is the same as "/" (RFC 3986 section 6.2.3): an MCP server at the
        root of a host names itself with the slash. One that is no API in either form is returned as it is.
        """
        is_known = identifier in self.registered or identifier in self.reserved
        other = None if is_known else other_form(identifier)
        return other if other is not None and other in self.registered else identifier


class Resource(Struct, frozen=True, kw_only=True):
    """One API that a request names. `vocabulary` has its scopes; None: any scope may be one of its. `known` says whether this server
    knows the API.
    """

    identifier: str
    scopes: tuple[str, ...]
    vocabulary: frozenset[str] | None = None
    terms: ApiTerms | None = None
    known: bool = True

    def has(self, scope: str) -> bool:
        return self.vocabulary is None or scope in self.vocabulary


class Target(Struct, frozen=True, kw_only=True):
    """`scopes` are those that the client may have in a token for all of the resources. `terms` are the settings of the
    registered APIs among them. The other fields follow from these: `alg` is the algorithm that the APIs need (None: any; `aimed` refuses
    several), and `claims` are those about a user that they want in their access tokens.
    """

    resources: tuple[Resource, ...]
    scopes: tuple[str, ...]
    terms: tuple[ApiTerms, ...]
    audience: str | tuple[str, ...]
    alg: str | None
    dpop_required: bool
    mtls_required: bool
    claims: tuple[str, ...]

    @classmethod
    def of(cls, resources: tuple[Resource, ...], scopes: tuple[str, ...]) -> "Target":
        terms = tuple([each.terms for each in resources if each.terms is not None])
        named = tuple([each.identifier for each in resources])
        return cls(
            resources=resources,
            scopes=scopes,
            terms=terms,
            audience=named[0] if len(named) == 1 else named,
            alg=next((each.access_token_alg for each in terms if each.access_token_alg), None),
            dpop_required=any(each.dpop_required for each in terms),
            mtls_required=any(each.mtls_required for each in terms),
            claims=tuple(dict.fromkeys(name for each in terms for name in each.claims)),
        )

    @property
    def named(self) -> tuple[str, ...]:
        return tuple(each.identifier for each in self.resources)

    @property
    def is_known(self) -> bool:
        return all(each.known for each in self.resources)

    def lifetime(self, usual: int) -> int:
        """The shortest that the deployment and the APIs allow, in seconds."""
        return min([usual, *[terms.token_lifetime for terms in self.terms if terms.token_lifetime]])


def other_form(identifier: str) -> str | None:
    """Return the identifier of a host with the slash at its end, or without it; None for any other one."""
    if not _is_host(identifier):
        return None
    return identifier[:-1] if identifier.endswith("/") else f"{identifier}/"


def management_of(issuer: str) -> str:
    return f"{issuer}{MANAGEMENT_PATH}"


def names_one(form: Mapping[str, str]) -> bool:
    """Whether the request names a resource at all. Most do not, and need nothing else of this module."""
    return "resource" in form or "audience" in form


def named(form: Mapping[str, str], client: Row, known: Known) -> tuple[str, ...]:
    """Return the resources that the parameters `resource` and `audience` name, each once. Spaces separate several.

    `audience` was ignored before there were APIs. For a client of that time it still is, unless it names one of them. Raises InvalidTarget.
    """
    if not names_one(form):
        return ()
    also = tuple(map(known.as_registered, split(form.get("audience"))))
    if client.apis is None:
        also = tuple(each for each in also if each in known.registered or each in known.reserved)
    asked = tuple(dict.fromkeys((*map(known.as_registered, split(form.get("resource"))), *also)))
    if len(asked) > MOST_RESOURCES:
        raise InvalidTarget(TOO_MANY)
    return asked


def aimed(asked: Iterable[str], client: Row, known: Known, *, person: bool) -> Target:
    """Return what a token for these resources may have; for none of them, it is for the default audience.

    `person` says that a person authorizes the token. Raises InvalidTarget, which names every fault.
    """
    found: list[Resource] = []
    faults: list[str] = []
    for each in asked:
        try:
            found.append(_resource(each, client, known, person=person))
        except InvalidTarget as fault:
            faults.append(fault.description)
    if faults:
        raise InvalidTarget(" ".join(dict.fromkeys(faults)))
    if not found:
        return _usual(known.audience, client.scopes, person=person)
    resources = tuple(found)
    _one_algorithm(resources)
    return Target.of(resources, _in_all(resources))


@lru_cache(maxsize=1024)
def _usual(audience: str, scopes: tuple[str, ...], *, person: bool) -> Target:
    """For the default audience alone, as most tokens are: made once for all clients with these scopes."""
    resources = (Resource(identifier=audience, scopes=own_scopes_of_persons(scopes) if person else scopes),)
    return Target.of(resources, _in_all(resources))


def _in_all(resources: tuple[Resource, ...]) -> tuple[str, ...]:
    if len(resources) == 1:
        return tuple(dict.fromkeys(resources[0].scopes))
    every = dict.fromkeys(scope for each in resources for scope in each.scopes)
    return tuple(s for s in every if all(s in each.scopes or not each.has(s) for each in resources))


def _resource(identifier: str, client: Row, known: Known, *, person: bool) -> Resource:
    if identifier == known.audience:
        return _default(client, known, person=person)
    if identifier == known.management:
        return _management(client, known, person=person)
    if (api := known.registered.get(identifier)) is not None:
        return _registered(api, client, person=person)
    if not is_absolute(identifier):
        raise InvalidTarget(NO_RESOURCE)
    if client.apis is None:
        if not is_resource(identifier, known.insecure):
            raise InvalidTarget(NO_RESOURCE)
        return Resource(identifier=identifier, scopes=_own(client, person=person), known=False)
    if person and identifier == known.issuer:  # for userinfo alone
        return Resource(identifier=identifier, scopes=())
    raise _not_granted("a resource that is no API of this server", "Register the API (muniment apis create) and")


def _default(client: Row, known: Known, *, person: bool) -> Resource:
    return Resource(identifier=known.audience, scopes=_own(client, person=person))


def _management(client: Row, known: Known, *, person: bool) -> Resource:
    if person:
        raise InvalidTarget(FOR_MACHINES)
    scopes = tuple(scope for scope in client.scopes if scope in MANAGEMENT)
    if not scopes:
        raise InvalidTarget("This client has no scope of the management API; an operator can give it some.")
    return Resource(identifier=known.management, scopes=scopes, vocabulary=frozenset(MANAGEMENT))


def _registered(api: Api, client: Row, *, person: bool) -> Resource:
    vocabulary = tuple(scope.name for scope in api.terms.scopes)
    granted = next((each.scopes for each in client.apis or () if each.identifier == api.identifier), None)
    if person and api.terms.any_client and asks_consent(client):
        granted = vocabulary
    if granted is None:
        raise _not_granted(api.identifier[:LONGEST_NAMED], "First")
    return Resource(
        identifier=api.identifier,
        scopes=tuple(scope for scope in granted if scope in vocabulary),
        vocabulary=frozenset(vocabulary),
        terms=api.terms,
    )


def asks_consent(client: Row) -> bool:
    return client.login is not None and not client.login.first_party


def _not_granted(what: str, first: str) -> InvalidTarget:
    return InvalidTarget(
        f"This client may not use {what}. {first} grant it to the client (muniment clients edit --add-api), or leave it out."
    )


def _one_algorithm(resources: tuple[Resource, ...]) -> None:
    """A token has one signature. Raises InvalidTarget."""
    if len(resources) == 1:
        return
    algs = {each.terms.access_token_alg for each in resources if each.terms is not None} - {None}
    if len(algs) > 1:
        raise InvalidTarget("These APIs need different signature algorithms. Ask for a token for each of them.")


def _own(client: Row, *, person: bool) -> tuple[str, ...]:
    return own_scopes_of_persons(client.scopes) if person else client.scopes


def is_absolute(text: str) -> bool:
    """Whether the text is an absolute URI without a fragment (RFC 8707 section 2, RFC 3986 section 4.3), of any scheme."""
    return _is_absolute(text) is not None
