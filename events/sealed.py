"""Personal data as the log keeps it: unreadable without the data key of the person, which is kept outside the log."""

from typing import NewType

Sealed = NewType("Sealed", str)
"""AES-256-GCM under the data key of its subject, in base64url. When that key is destroyed nobody can read it, and every proof still holds."""
