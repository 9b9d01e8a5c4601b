"""Workload identity: which tokens of trusted issuers authenticate a client (RFC 7521 section 4.2, RFC 7523 section 3)."""

from collections.abc import Sequence

from events.client_security import WorkloadIdentity
from service.oauth.foreign_claims import trust_domain
from service.oauth.foreign_tokens import ForeignClaims, Unverified
from service.values.subject_patterns import matches

SEVERAL = "its aud must be one text, so that the token is of no use elsewhere"
OTHER_AUDIENCE = "its aud is not the audience of the workload identity"
NO_JTI = "it has no jti, which a workload identity with singleUse needs"


def may_be_of(identities: Sequence[WorkloadIdentity], found: Unverified) -> bool:
    """Whether a token says that it is of one of the workloads. Nothing of it is verified."""
    issuer, subject = found.claims.get("iss"), found.claims.get("sub")
    names = (issuer, trust_domain(subject))
    return isinstance(subject, str) and any(
        each.issuer in names and matches(each.subject, subject) for each in identities
    )


def identity_of(identities: Sequence[WorkloadIdentity], claims: ForeignClaims) -> WorkloadIdentity | str | None:
    """Return the workload identity that a verified token is of. None: it is of none. A text says why the token is not accepted for it."""
    faults: list[str] = []
    for each in identities:
        if each.issuer != claims.issuer or not matches(each.subject, claims.subject):
            continue
        fault = _fault(each, claims)
        if fault is None:
            return each
        faults.append(fault)
    return faults[0] if faults else None


def _fault(identity: WorkloadIdentity, claims: ForeignClaims) -> str | None:
    if len(claims.audiences) != 1:
        return SEVERAL
    if identity.audience not in (None, *claims.audiences):
        return OTHER_AUDIENCE
    return NO_JTI if identity.single_use and claims.jti is None else None
