"""Patterns of the subjects of workloads, such as repo:acme/*:ref:refs/heads/main. There are no regular expressions."""

import re

WILDCARD = "*"
_SEPARATORS = re.compile("([:/])")


def fault_of(pattern: str) -> str | None:
    """Return what is wrong with the pattern, as the rest of a sentence."""
    parts = _SEPARATORS.split(pattern)
    if not parts[0] or WILDCARD in parts[0]:
        return "must begin with a text without a wildcard, up to the first : or /"
    if any(part.count(WILDCARD) > 1 for part in parts):
        return "has more than one * between two of : and /"
    return None


def matches(pattern: str, subject: str) -> bool:
    """Whether the subject fits. A `*` is one or more characters that are neither : nor /. It takes linear time."""
    wanted, given = _SEPARATORS.split(pattern), _SEPARATORS.split(subject)
    return len(wanted) == len(given) and all(map(_part_matches, wanted, given))


def _part_matches(wanted: str, given: str) -> bool:
    before, wildcard, after = wanted.partition(WILDCARD)
    if not wildcard:
        return wanted == given
    return len(given) > len(before) + len(after) and given.startswith(before) and given.endswith(after)
