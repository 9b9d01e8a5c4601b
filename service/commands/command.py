"""The two kinds of commands: those that a stream of too many events refuses, and those that it accepts."""

from msgspec import Struct


class OrdinaryCommand(Struct, frozen=True, kw_only=True):
    """A stream of too many events refuses this command, because each command folds the whole stream."""


class StoppingCommand(Struct, frozen=True, kw_only=True):
    """A stream of any length accepts this command.

    It stops something, or it records a fact once for each secret or client, so it cannot make a stream long.
    """


AnyCommand = OrdinaryCommand | StoppingCommand
"""Every command has one of the two kinds; `handle` accepts no others."""
