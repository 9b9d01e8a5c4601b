"""A browser brings the address of a request object instead of the object (RFC 9101 section 5.2): the object takes its place."""

from projections.clients import Found
from service.oauth.parameters import Fault, Params
from service.oauth.remote_keys import reach_of
from service.oauth.remote_requests import BOTH, NONE_REGISTERED, BadRequestUri, address_of
from service.oauth.request_objects import BadRequestObject
from service.people.throttle import network
from service.resources import Resources

MOST_OF_A_NETWORK = 120
"""Request objects fetched in a minute for browsers of one network of addresses."""

NO_KEY = "The client has no key with which one could be verified. Register its public key (jwks) or its address (jwksUri) first."


async def with_object(
    resources: Resources, params: Params, twice: tuple[str, ...], found: Found | None, address: str
) -> tuple[Params, Fault | None]:
    """Return the parameters with the object in the place of its address; or with what is wrong. Nothing is fetched for a request that is
    refused for another reason anyway. Raises Unavailable.
    """
    uri = params.get("request_uri")
    if uri is None or found is None or not _may_name_one(found) or {"request_uri", "client_id"} & set(twice):
        return params, None
    try:
        text = await _fetched(resources, uri, params, found, address)
    except Fault as fault:
        return params, fault
    return {**{name: value for name, value in params.items() if name != "request_uri"}, "request": text}, None


def _may_name_one(found: Found) -> bool:
    client = found.client
    return found.may_act and client.login is not None and not client.security.require_pushed_authorization_requests


async def _fetched(resources: Resources, uri: str, params: Params, found: Found, address: str) -> str:
    client = found.client
    registered = client.security.request_uris
    if not registered:
        raise Fault("request_uri_not_supported", NONE_REGISTERED)
    if "request" in params:
        raise Fault("invalid_request", BOTH)
    address_of(uri, registered)
    if not client.keys and not client.security.jwks_uri:
        raise BadRequestObject(NO_KEY)
    counted = await resources.limits.count(f"request objects of {network(address)}")
    if counted.used > MOST_OF_A_NETWORK:
        raise BadRequestUri(
            f"More than {MOST_OF_A_NETWORK} request objects were fetched for this network in a minute; try again in {counted.seconds} s."
        )
    return await resources.remote_requests.find(uri, registered, reach=reach_of(client), asker=network(address))
