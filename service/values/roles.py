"""The roles of users in the console. Each is a set of scopes of this API."""

from collections.abc import Mapping, Sequence
from typing import get_args

from events.user import Role
from service.values.scopes import API_PUBLIC, AUDITORS, BOTS_READ, BOTS_WRITE, CLIENTS_READ, CLIENTS_WRITE, OPERATORS

ROLES: Sequence[Role] = get_args(Role)

OWNERS = (CLIENTS_WRITE, CLIENTS_READ, BOTS_WRITE, BOTS_READ, API_PUBLIC)
"""An owner manages the clients and bots that the same user registered."""

SCOPES_OF: Mapping[Role, Sequence[str]] = {"operator": OPERATORS, "auditor": AUDITORS, "owner": OWNERS}


def role_named(name: str) -> Role | None:
    named: Mapping[str, Role] = {role: role for role in ROLES}
    return named.get(name)
