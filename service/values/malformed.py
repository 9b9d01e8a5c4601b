"""The errors that decoders raise for malformed input from outside, which are not faults of this server."""

MALFORMED = (ValueError, TypeError, RecursionError)
"""The errors of msgspec, binascii and Unicode are all ValueErrors. Input that is nested too deeply raises RecursionError."""
