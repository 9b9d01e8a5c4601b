"""The workload identities of a client in the words of the command line."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from projections.clients import Row
from service.cli.output import moment
from service.endpoints.workload_fields import ids
from service.values.workload_option import option_of


def facts(row: Row, used: Mapping[UUID, datetime] | None) -> list[tuple[str, str]]:
    """`used` says when each was last used, by its id; None: that is not known."""
    return [
        ("workload", option_of(each) + _told(id_, used))
        for each, id_ in zip(row.security.workload_identities, ids(row), strict=True)
    ]


def document(row: Row, used: Mapping[UUID, datetime]) -> list[dict[str, Any]]:
    return [
        {
            "identity_id": id_,
            "issuer": each.issuer,
            "subject": each.subject,
            "audience": each.audience,
            "single_use": each.single_use,
            "last_used_at": used.get(id_),
        }
        for each, id_ in zip(row.security.workload_identities, ids(row), strict=True)
    ]


def _told(id_: UUID, used: Mapping[UUID, datetime] | None) -> str:
    if used is None:
        return ""
    return f" (last used {moment(used[id_])})" if id_ in used else " (never used)"
