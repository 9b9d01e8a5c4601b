"""A workload identity as the value of --workload: an issuer, a subject, and what else is said of its tokens."""

import shlex
from collections.abc import Sequence

from events.client_security import WorkloadIdentity

AUDIENCE, SINGLE_USE = "audience=", "single-use"
_SPECIAL = frozenset("'\"\\")


def words_of(option: str) -> Sequence[str]:
    """Return the words of the value. One with a space stands in quotes, as in a shell. Raises ValueError for a quote without its end."""
    return shlex.split(option)


def option_of(workload: WorkloadIdentity) -> str:
    audience = [f"{AUDIENCE}{workload.audience}"] if workload.audience else []
    single_use = [SINGLE_USE] if workload.single_use else []
    return " ".join(map(_quoted, [workload.issuer, workload.subject, *audience, *single_use]))


def _quoted(word: str) -> str:
    return shlex.quote(word) if word.split() != [word] or _SPECIAL & set(word) else word
