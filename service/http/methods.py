"""The methods that one path accepts (RFC 9110 section 15.5.6)."""

from collections.abc import Mapping
from typing import TypeVar

from service.problems import NotAllowed

Action = TypeVar("Action")


def action_of(actions: Mapping[str, Action], method: str) -> Action:
    """Return the action of the path for this method. HEAD counts as GET. Raises NotAllowed, which names the allowed methods."""
    action = actions.get("GET" if method == "HEAD" else method)
    if action is None:
        allowed = ", ".join(actions)
        refused = NotAllowed(f"This path accepts {allowed} only.")
        refused.headers["Allow"] = allowed
        raise refused
    return action
