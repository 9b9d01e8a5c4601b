"""The claims about a user in the ID token and at the userinfo endpoint (OpenID Connect Core 1.0 section 5.1)."""

from typing import Any
from uuid import UUID

from service.people.accounts import People
from service.values.profile import claims_of


async def claims_about(people: People, user: UUID, wanted: tuple[str, ...]) -> dict[str, Any] | None:
    """Return the wanted claims that are known about this user, or None if the user is disabled or erased."""
    row = await people.row(user)
    profile = await people.profile(row) if row is not None and row.state == "active" else None
    if row is None or profile is None:
        return None
    known = claims_of(profile, verified=row.verified, since=row.created_at)
    return {name: known[name] for name in dict.fromkeys(wanted) if name in known}
