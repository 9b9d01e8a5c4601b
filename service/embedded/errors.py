"""The errors of the embedded Postgres. Each text says what is wrong and what to do.

EmbeddedError
├── BinariesMissing      no usable Postgres on this machine
├── OtherVersion         the cluster was made by another major version
├── NoAccount            no account to run Postgres as
├── DirectoryRefused     a directory that we may not use, or that is not ours
├── InUseElsewhere       a server that we cannot see (another container) runs on the same directory
├── NotCreated           initdb failed
└── NotStarted           the server did not come up
"""


class EmbeddedError(Exception):
    """The embedded Postgres cannot be used; `str(error)` is a sentence for the operator."""


class BinariesMissing(EmbeddedError):
    """No usable Postgres binaries were found."""


class OtherVersion(EmbeddedError):
    """The cluster on disk and the available binaries have different major versions."""


class NoAccount(EmbeddedError):
    """There is no account to run Postgres as."""


class DirectoryRefused(EmbeddedError):
    """A directory cannot be used: not writable, not ours, or not reachable by the account that runs Postgres."""


class InUseElsewhere(EmbeddedError):
    """A server answers on this directory's socket, but its process cannot be seen from here."""


class NotCreated(EmbeddedError):
    """A new cluster could not be made."""


class NotStarted(EmbeddedError):
    """The server did not become ready."""
