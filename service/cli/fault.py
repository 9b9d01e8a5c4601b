"""What is wrong, for the person at the command line."""


class Plainly(Exception):
    """A fault in a sentence for the person at the command line."""
