"""The field of a client that says whose tokens of trusted issuers authenticate it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from events.client_security import WorkloadIdentity
from projections.clients import Row
from service.endpoints.fields import Fields
from service.values.subject_patterns import fault_of

MOST = 20
Text = Annotated[str, Meta(min_length=1, max_length=500)]


class WorkloadIdentityFields(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A workload whose tokens authenticate the client."""

    issuer: Annotated[
        Text,
        Meta(description="The identifier of a trusted issuer (purpose `workload`), such as `spiffe://example.org`."),
    ]
    subject: Annotated[
        Text,
        Meta(
            description="The `sub` of its tokens. A `*` is one or more characters that are neither `:` nor `/`: `repo:acme/*:ref:refs/heads/main`."
        ),
    ]
    audience: Annotated[
        Text | None,
        Meta(description="The `aud` of its tokens. If omitted, each that is accepted from the issuer."),
    ] = None
    single_use: Annotated[
        bool, Meta(description="Whether each token authenticates one request only, by its `jti`.")
    ] = False
    identity_id: Annotated[
        UUID | UnsetType, Meta(description="How tokens that were issued to it name it. It is ignored in requests.")
    ] = UNSET
    last_used_utc: Annotated[
        datetime | UnsetType | None,
        Meta(
            description="When the client last got a token with it; null for never. Not of the past. It is ignored in requests."
        ),
    ] = UNSET


WorkloadIdentities = Annotated[
    list[WorkloadIdentityFields],
    Meta(
        max_length=MOST,
        description="Whose tokens authenticate it, with the method `workload_identity`: the whole list. It needs no secret.",
    ),
]


def check(fields: Fields[Any]) -> None:
    given: list[WorkloadIdentityFields] = fields.good("workloadIdentities") or []
    for number, each in enumerate(given):
        fault = fault_of(each.subject)
        if fault is not None:
            fields.fault("workloadIdentities", f"[{number}] has a subject that {fault}")


def identities(given: list[WorkloadIdentityFields] | UnsetType) -> tuple[WorkloadIdentity, ...] | UnsetType:
    if isinstance(given, UnsetType):
        return given
    found = [
        WorkloadIdentity(issuer=each.issuer, subject=each.subject, audience=each.audience, single_use=each.single_use)
        for each in given
    ]
    return tuple(dict.fromkeys(found))


def ids(row: Row) -> list[UUID]:
    return [each.id_for(row.stream_id) for each in row.security.workload_identities]


def shown(row: Row, used: Mapping[UUID, datetime] | None) -> list[WorkloadIdentityFields]:
    """`used` says when each was last used, by its id; None if it is not asked."""
    return [
        WorkloadIdentityFields(
            issuer=each.issuer,
            subject=each.subject,
            audience=each.audience,
            single_use=each.single_use,
            identity_id=id_,
            last_used_utc=UNSET if used is None else used.get(id_),
        )
        for each, id_ in zip(row.security.workload_identities, ids(row), strict=True)
    ]
