"""A running Postgres: the first user starts it, later users join it, and the last one stops it."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from service.embedded.directory import Directory, locate
from service.embedded.locks import changing, in_use, is_last_user
from service.embedded.server import Server, ensure, leave
from service.embedded.supervisor import supervised

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


@contextmanager
def running(data: Path, *, binaries: Path | None = None, settings: Mapping[str, str] = NO_SETTINGS) -> Generator[str]:
    """Yields the superuser's URL of a live server on this data directory. The process that started it chose its settings.

    Only migrations use that URL. The service and the commands log in with `login.service_url`.

    Raises EmbeddedError with a sentence for the operator.
    """
    server = Server(locate(data), binaries, settings)
    with in_use(server.place) as use:
        try:
            with changing(server.place):
                postmaster = ensure(server)
            with supervised(server, postmaster):
                yield _url(server.place)
        finally:
            with changing(server.place):
                if is_last_user(use):
                    leave(server)


def _url(place: Directory) -> str:
    password = place.password.read_text().strip()
    host = quote(os.fsencode(place.socket_directory))
    # Without a port, drivers would use PGPORT.
    return f"postgresql://postgres:{quote(password)}@/muniment?host={host}&port=5432"
