"""The trusted issuers that a form of a client offers."""

from collections.abc import Mapping, Sequence

from service.console.screen import ConsoleVisit
from service.endpoints.trusted_issuer_schemas import TrustedIssuer
from service.endpoints.trusted_issuers import PATH
from service.values.scopes import AUDIT_READ

MOST = "200"


async def offered(visit: ConsoleVisit) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return the active issuers with their names: those of workloads, and those whose tokens may be exchanged. None, if the person sees none."""
    found = (await visit.api.get(PATH, limit=MOST)).of(list[TrustedIssuer]) if visit.may(AUDIT_READ) else []
    active = [each for each in found if each.state == "active"]
    return {
        "workload_issuers": [(each.issuer, each.name) for each in active if "workload" in each.purposes],
        "token_issuers": [(each.issuer, each.name) for each in active if "subject_token" in each.purposes],
    }
