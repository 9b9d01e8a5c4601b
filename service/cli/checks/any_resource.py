"""Machine clients that may name any resource, because they were registered before there were APIs."""

from service.cli.checks.finding import Finding, Installation, warning
from service.values.text import counted

OLD = """
select count(*) as clients, min(client_id) as one from read.clients
 where grant_type = 'client_credentials' and state = 'active' and apis is null
"""


async def look(installation: Installation) -> list[Finding]:
    """A client of people is none of them: the person who consents sees the resource."""
    found = await installation.connection.fetchrow(OLD)
    if found is None or not found["clients"]:
        return []
    return [
        warning(
            f"{counted(found['clients'], 'machine client')} may get tokens for any resource that is no registered API, as before there "
            "were APIs: grant each of them what it uses, or nothing.",
            f"muniment clients edit {found['one']} --api ''",
        )
    ]
