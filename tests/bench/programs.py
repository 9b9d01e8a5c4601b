"""The three programs that are compared: the service as it is shipped, and the two ceiling programs."""

import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench import proved
from tests.bench.ceiling import known
from tests.bench.machine import await_listening, environment, free_port, started
from tests.bench.peers import BY_KEY, Peer, service
from tests.bench.place import Place
from tests.bench.proved import ByKey

SERVICE, STARLETTE, ASGI = "service", "starlette", "asgi"


@contextmanager
def three(place: Place, name: str) -> Generator[Sequence[Peer]]:
    """The service counts what each caller asks and shows metrics, as in every deployment."""
    metrics = {"MUNIMENT_METRICS_ADDRESS": f"127.0.0.1:{free_port()}"}
    with ExitStack() as stack:
        ours = stack.enter_context(service(place.database(name), place.directory, name=SERVICE, more=metrics))
        yield (
            ours,
            *(
                stack.enter_context(ceiling_program(shape, place.empty_database(f"{name}_{shape}"), place.directory))
                for shape in (STARLETTE, ASGI)
            ),
        )


@contextmanager
def ceiling_program(
    shape: str, url: str, directory: Path, *, name: str = "", more: Mapping[str, str] | None = None
) -> Generator[Peer]:
    """The one of this shape, `starlette` or `asgi`; its name is that, if it gets no other. The database is empty."""
    port, log = free_port(), directory / f"{shape}.log"
    command = [sys.executable, "-m", "tests.bench.ceiling", shape, str(port)]
    settings = environment(CEILING_DATABASE_URL=url, **(more or {}))
    with started(command, settings, port, log=log) as server:
        await_listening(server, log)
        credentials = [known.credentials(number) for number in range(known.CLIENTS)]
        by_key = [
            ByKey(client_id=name, key=proved.key_of(number), audience=known.ISSUER, url=known.URL)
            for number, (name, _) in enumerate(credentials[:BY_KEY])
        ]
        yield Peer(
            name or shape,
            server,
            credentials=credentials,
            operator=credentials[0],
            bearer=known.BEARER,
            by_key=by_key,
            by_key_path=known.TOKEN_BY_KEY,
        )
