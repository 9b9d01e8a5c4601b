"""The field of a client that registered itself (RFC 7591)."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from projections.clients import Row


class SelfRegistration(Struct, frozen=True, kw_only=True, rename="camel"):
    """How the client came about: it registered itself. Only there for such a client."""

    initial_access_token: (
        Annotated[UUID, Meta(description="The id of the initial access token that allowed it; null: anybody might.")]
        | None
    )
    software_statement_issuer: (
        Annotated[
            str,
            Meta(description="The trusted issuer whose software statement says some of it; null: the client said all."),
        ]
        | None
    )


def shown_registration(row: Row) -> Mapping[str, Any]:
    """Return the field; none for any other client."""
    if row.registration is None:
        return {}
    made = SelfRegistration(
        initial_access_token=row.registration.initial_access_token,
        software_statement_issuer=row.registration.about.software_statement_issuer,
    )
    return {"registration": made}
