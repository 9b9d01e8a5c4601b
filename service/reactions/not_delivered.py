"""Why a logout token did not reach its client."""


class NotTaken(Exception):
    """The client did not take the token; the text says why in a few words, and nothing of what it answered."""


class NotWanted(NotTaken):
    """Nor will it ever."""
