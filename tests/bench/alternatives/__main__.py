"""`make bench-peers`: builds the servers that a user would pick instead, and measures each beside Muniment, round by round in turn."""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from httpx import HTTPError
from joserfc.errors import JoseError
from msgspec import MsgspecError, json
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from service.embedded.cluster import running
from service.migrations.run import migrate
from tests.bench.alternatives import hydra, keycloak, oidc_provider, python_servers, table
from tests.bench.alternatives.asking import Alternative, check
from tests.bench.alternatives.building import NotHere, Say
from tests.bench.alternatives.compared import CAREFUL, QUICK, Contest, Pace
from tests.bench.alternatives.muniment import ours
from tests.bench.alternatives.site import SETTINGS, Site, over_tcp
from tests.bench.machine import OTHERS, SERVER, Failed, pinned
from tests.bench.place import cluster_of
from tests.bench.slices import ask_for_short_slices

Starting = Callable[[Site], AbstractContextManager[list[Alternative]]]
SERVERS: Mapping[str, Starting] = {
    "oidc-provider-memory": oidc_provider.in_memory,
    "oidc-provider-postgres": oidc_provider.on_postgres,
    "hydra": hydra.one_round,
    "hydra-as-installed": hydra.as_installed,
    "keycloak": keycloak.on_postgres,
    "authlib-flask": python_servers.authlib_flask,
    "django-oauth-toolkit": python_servers.toolkit_one_round,
    "django-oauth-toolkit-as-installed": python_servers.toolkit_as_installed,
}


def main() -> None:
    """Exit status 1 and a sentence when a figure would not be honest; whatever was started is stopped, also on Ctrl-C."""
    asked, said, begun = _asked(), Console(stderr=True), time.monotonic()
    ask_for_short_slices()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        with (
            said.status("starting") as status,
            pinned(OTHERS),
            _site(lambda what: _progress(said, status, f"{time.monotonic() - begun:4.0f} s  {what}")) as site,
            ours(site) as muniment,
        ):
            bench = Bench(site, muniment, QUICK if asked.quick else CAREFUL, said)
            for name in asked.only or SERVERS:
                bench.measure(name)
    except Failed as fault:
        said.print(f"bench: {fault}", style="red", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    Console(width=None if sys.stdout.isatty() else 200).print(table.table(bench.measured))
    asked.json.write_bytes(json.format(json.encode(table.plain(muniment, bench.measured, bench.left_out))))
    where = f"the servers on core {SERVER}, Postgres and the load generator on {OTHERS}"
    said.print(f"{time.monotonic() - begun:.0f} s; {where}; every round is in {asked.json}", markup=False)
    sys.exit(bench.status)


class Bench:
    """What was measured so far, and what was left out, with the reason."""

    def __init__(self, site: Site, muniment: Alternative, pace: Pace, said: Console) -> None:
        self.measured: list[tuple[Alternative, table.Figures]] = []
        self.left_out: dict[str, str] = {}
        self.status = 0
        self._site, self._muniment, self._pace, self._said = site, muniment, pace, said
        self._cluster = asyncio.run(cluster_of(site.url))
        self._describe(muniment)

    def measure(self, name: str) -> None:
        """One server in all its settings. It is left out when it cannot be had here, or does not answer as it should."""
        try:
            with SERVERS[name](self._site) as found:
                for each in found:
                    self._compare(each)
        except NotHere as why:
            self._leave_out(name, why, "yellow")
        except (Failed, HTTPError, JoseError, MsgspecError, OSError) as why:
            self._leave_out(name, why, "red")
            self.status = 1

    def _compare(self, each: Alternative) -> None:
        self._describe(each)
        check(each)
        contest = Contest(self._muniment, each, self._cluster, self._pace)
        self.measured.append((each, {compared.question: compared for compared in contest.run(self._site.say)}))

    def _describe(self, each: Alternative) -> None:
        self._said.print(f"{each.name}: {'; '.join(each.settings)}", markup=False, soft_wrap=True)

    def _leave_out(self, name: str, why: Exception, style: str) -> None:
        self.left_out[name] = str(why)
        self._said.print(f"{name} is left out: {why}", style=style, markup=False)


def _progress(said: Console, status: Status, text: str) -> None:
    """In place on a terminal, and line by line elsewhere."""
    if said.is_terminal:
        status.update(escape(text))
    else:
        said.print(text, markup=False, soft_wrap=True)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.alternatives", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short rounds, to see that everything works")
    parser.add_argument("--only", choices=SERVERS, action="append", help="this server (may be repeated)")
    parser.add_argument(
        "--json",
        type=Path,
        default=Path(tempfile.gettempdir()) / "muniment-bench-peers.json",
        help="where the rounds go",
    )
    return parser.parse_args()


@contextmanager
def _site(say: Say) -> Generator[Site]:
    """A Postgres of its own, in a temporary directory that the account which runs it can pass through, when we are root."""
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as name:
        Path(name).chmod(0o755)
        with running(Path(name) / "postgres", settings=SETTINGS) as url:
            asyncio.run(migrate(url))
            yield Site(Path(name), over_tcp(url), say)


if __name__ == "__main__":
    main()
