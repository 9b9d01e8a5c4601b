"""The look of a rule: given, when, then, and the sentence that is its name."""

from collections.abc import Sequence
from typing import Any

import pytest


def rule(given: Sequence[Any], command: Any, then: list[Any] | type[Exception], sentence: str) -> Any:
    return pytest.param(given, command, then, id=sentence)


def outcome(aggregate: Any, given: Sequence[Any], command: Any) -> list[Any] | type[Exception]:
    """What comes of the command after these events: more events, or the class of the refusal."""
    try:
        return aggregate.decide(command, aggregate.state(given))
    except Exception as refusal:
        return type(refusal)
