"""The names of fields in the management API."""


def camel(name: str) -> str:
    """Return the field's name in the API."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
