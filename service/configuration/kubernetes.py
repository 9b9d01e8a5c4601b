"""Variables that Kubernetes sets in every container for each Service of its namespace, such as one named muniment."""

import re

_variable = re.compile(
    r"""MUNIMENT(_\w+)?_(
        SERVICE_HOST=.*
      | SERVICE_PORT(_\w+)?=\d+
      | PORT=(tcp|udp|sctp)://.*          # a URL: MUNIMENT_PORT=8000 is a mistaken setting
      | PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=.*
    )""",
    re.ASCII | re.DOTALL | re.VERBOSE,
).fullmatch


def is_service_variable(name: str, value: str) -> bool:
    """Return whether Kubernetes set the variable; then it is not a mistaken setting."""
    return _variable(f"{name}={value}") is not None
