"""Personal data in the log: encrypted under the user's data key, which is stored outside the log."""

from typing import NewType

Sealed = NewType("Sealed", str)
"""AES-256-GCM under the user's data key, in base64url. After that key is destroyed it cannot be decrypted, but the log still verifies."""
