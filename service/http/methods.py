"""The methods that one path answers (RFC 9110 section 15.5.6)."""

from collections.abc import Mapping
from typing import TypeVar

from service.problems import NotAllowed

Action = TypeVar("Action")


def action_of(actions: Mapping[str, Action], method: str) -> Action:
    """What the path does for this method; HEAD is answered as GET is. Raises NotAllowed, which names the others."""
    action = actions.get("GET" if method == "HEAD" else method)
    if action is None:
        allowed = ", ".join(actions)
        refused = NotAllowed(f"This path answers {allowed}.")
        refused.headers["Allow"] = allowed
        raise refused
    return action
