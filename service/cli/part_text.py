"""A part of a setting in words: a scope of an API, a workload, or what a client may do with tokens of others."""

from events.api import ApiScope
from events.client_security import AssertionPolicy, ExchangePolicy, WorkloadIdentity


def what(part: object) -> str:
    match part:
        case ApiScope():
            return part.name
        case WorkloadIdentity():
            audience = f" for {part.audience}" if part.audience else ""
            return f"{part.subject} of {part.issuer}{audience}{' (each token once)' if part.single_use else ''}"
        case ExchangePolicy():
            alone = " (as the subject alone)" if part.impersonation else ""
            of = " ".join((*part.clients, *part.issuers))
            return f"tokens of {of} for {' '.join(part.audiences)} with {' '.join(part.scopes)}{alone}"
        case AssertionPolicy():
            return f"{part.client_id} at {part.audience} with {' '.join(part.scopes) or 'no scope'}"
        case _:
            return str(part)
