"""What decoders raise where a stranger's bytes are not of the form that they should have: bad input, and no fault of ours."""

MALFORMED = (ValueError, TypeError, RecursionError)
"""msgspec's errors, binascii's and Unicode's are all ValueErrors. What is nested too deeply for a decoder is a RecursionError."""
