"""Reasons why a logout token was not delivered."""


class NotTaken(Exception):
    """The client did not accept the token. The text gives a short reason and contains nothing of the client's response."""


class NotWanted(NotTaken):
    """The client will never accept the token."""
