"""The sign-ins that a process remembers, the oldest first. Each is as of a position of the log: who relies on one lets the commit find out
whether it still holds.
"""

from collections.abc import Mapping

from projections.sign_ins import SignIn, Wanted

MOST = 1000
"""Each takes about 3 kB."""


class RememberedSignIns:
    """Those of an `epoch` of the log: after it lost history, its positions say nothing of what was read before."""

    def __init__(self) -> None:
        self._epoch = 0
        self._found: dict[Wanted, SignIn] = {}

    def get(self, wanted: Wanted, epoch: int) -> SignIn | None:
        return self._found.get(wanted) if epoch == self._epoch else None

    def keep(self, found: Mapping[Wanted, SignIn | None], epoch: int) -> None:
        """`epoch` is that of before they were read. Only open sessions are remembered."""
        if epoch != self._epoch:
            self._epoch, self._found = epoch, {}
        for wanted, one in found.items():
            self._found.pop(wanted, None)
            if one is not None and one.session.state == "open":
                self._found[wanted] = one
        while len(self._found) > MOST:
            del self._found[next(iter(self._found))]
