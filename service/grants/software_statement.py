"""Software statements at registration (RFC 7591 section 2.3): what a trusted issuer signed about the client goes before what it says itself."""

from collections.abc import Mapping
from typing import Any

from projections.clients import Found
from service.grants.failed_tokens import count_failed_token
from service.oauth.client_metadata import ClientMetadata
from service.oauth.errors import InvalidClientMetadata, InvalidSoftwareStatement, UnapprovedSoftwareStatement
from service.oauth.foreign_tokens import NotAccepted, read, whose
from service.resources import Resources

STATEMENT = "software_statement"
NOT_METADATA = frozenset(
    {
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        STATEMENT,
        "client_id",
        "client_secret",
        "registration_access_token",
    }
)


async def stated(
    resources: Resources, given: Mapping[str, Any], found: Found | None, address: str
) -> tuple[Mapping[str, Any], str | None]:
    """Return the members with those of the software statement, and its issuer; None if there is no statement.

    `found` is the client, if it has registered. A refused statement is recorded, and counted for its network.
    Raises InvalidClientMetadata, InvalidSoftwareStatement, UnapprovedSoftwareStatement, TooManyFailures, Unavailable.
    """
    try:
        return await _stated(resources, given)
    except (InvalidSoftwareStatement, UnapprovedSoftwareStatement):
        client_id = "" if found is None else found.client.client_id
        await count_failed_token(resources, client_id, "wrong_software_statement", found, address)
        raise


async def _stated(resources: Resources, given: Mapping[str, Any]) -> tuple[Mapping[str, Any], str | None]:
    text = given.get(STATEMENT)
    if text is None:
        return given, None
    if not isinstance(text, str):
        raise InvalidClientMetadata("The software_statement must be a text: a signed JWT.")
    await _is_of_somebody_trusted(resources, text)
    try:
        claims = await resources.foreign.verify(text, STATEMENT)
    except NotAccepted as fault:
        raise InvalidSoftwareStatement(f"The software statement is not accepted: {fault}.") from fault
    said = {name: value for name, value in claims.claims.items() if name not in NOT_METADATA}
    return {**given, **said}, claims.issuer


def stated_by(metadata: ClientMetadata, issuer: str | None) -> ClientMetadata:
    """Return the metadata with the issuer of the software statement that some of it is from; None: there is no statement."""
    return metadata.__replace__(about=metadata.about.__replace__(software_statement_issuer=issuer))


async def _is_of_somebody_trusted(resources: Resources, text: str) -> None:
    try:
        found = read(text)
    except NotAccepted as fault:
        raise InvalidSoftwareStatement(f"The software statement is not accepted: {fault}.") from fault
    try:
        row = await whose(found, resources.lookup)
    except NotAccepted as fault:
        raise UnapprovedSoftwareStatement(f"The software statement is not accepted: {fault}.") from fault
    if STATEMENT not in row.trust.purposes:
        raise UnapprovedSoftwareStatement(
            "The issuer of the software statement is not trusted for software statements here."
        )
