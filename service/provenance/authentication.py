"""Explains how the client of a token authenticated, if that was neither by a secret nor by a key that its events have."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from events.client_security import Security
from events.codec import Recorded
from events.secrets_given import security_given
from projections.catch_up import Issuance
from service.audit.event_json import audit_event
from service.provenance.answer import RemoteKeyThen, WorkloadThen


def workload_identity(token: Issuance, client: Sequence[Recorded]) -> WorkloadThen | UnsetType:
    """Return the workload identity, as the client got it last before the token was issued, and what took it from the client."""
    identity = added = removed = None
    for each in client:
        security = security_given(each.event)
        if security is None:
            continue
        found = next((one for one in security.workload_identities if one.id_for(token.client) == token.secret), None)
        if found is None:
            removed = removed or (added and each)
        elif added is None or (removed is not None and each.recorded_at <= token.issued_at):
            identity, added, removed = found, each, None
    if identity is None or added is None:
        return UNSET
    return WorkloadThen(
        identity_id=token.secret,
        issuer=identity.issuer,
        subject=identity.subject,
        audience=identity.audience,
        added=audit_event(added),
        removed=removed and audit_event(removed),
    )


def remote_key(token: Issuance, then: Sequence[Recorded]) -> RemoteKeyThen | UnsetType:
    """Return the key at the client's `jwks_uri`, or its certificate (RFC 8705). `then` are the events of the client until the token."""
    if token.token.client_key is None:
        return UNSET
    named, place = then[0], None
    for each in then:
        security = security_given(each.event)
        if security is not None and (there := _place(security)) != place:
            named, place = each, there
    return RemoteKeyThen(
        thumbprint=token.token.client_key, jwks_uri=place[0] if place else None, named=audit_event(named)
    )


def _place(security: Security) -> tuple[str | None, ...]:
    """Return what says where the keys of the client are, or which certificate is its."""
    return (
        security.jwks_uri,
        security.tls_client_auth_subject_dn,
        security.tls_client_auth_san_dns,
        security.tls_client_auth_san_uri,
        security.tls_client_auth_san_ip,
        security.tls_client_auth_san_email,
    )
