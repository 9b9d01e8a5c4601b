"""What every command says of itself: whether a stream that has become too long still takes it."""

from msgspec import Struct


class OrdinaryCommand(Struct, frozen=True, kw_only=True):
    """A command that a stream of too many events refuses, because each command folds the whole stream."""


class StoppingCommand(Struct, frozen=True, kw_only=True):
    """A command that a stream takes however long it is.

    It stops something, or records once for each secret or client what has to be known of one: so it cannot make a stream long.
    """


AnyCommand = OrdinaryCommand | StoppingCommand
"""Every command is of one of the two kinds; `handle` takes no others."""
