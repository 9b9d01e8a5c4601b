"""Roles through groups of the upstream provider: whether users still have one that no group brings any more."""

from service.cli.checks.finding import Finding, Installation, warning
from service.values.text import counted

LEFT = """
select role, count(*) as users, min(stream_id::text) as one from read.users, unnest(group_roles) as role
 where role <> all ($1::text[]) group by role order by role
"""


async def look(installation: Installation) -> list[Finding]:
    """Users lose such a role at their next sign-in through the provider, but some may never sign in again."""
    upstream = installation.settings.upstream
    brought = sorted(upstream.brought) if upstream else []
    return [
        warning(
            f"{counted(left['users'], 'user')} got the role {left['role']} through groups, but MUNIMENT_UPSTREAM_ROLES has no group that "
            "brings it now: it goes when they next sign in through the provider.",
            f"muniment users role take {left['one']} {left['role']}",
        )
        for left in await installation.connection.fetch(LEFT, brought)
    ]
