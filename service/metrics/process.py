"""What one process counts, each value bound to its cell once."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from events.group_commit import Watch
from service.metrics import families
from service.metrics.cells import Cells, Counter, Gauge, Histogram
from service.metrics.families import CODES, GRANTS, LOGS, METHODS, NONE, OTHER, RESULTS

OTHER_CODE = 0


class RouteMetrics:
    """The responses of one route."""

    __slots__ = ("_codes", "_methods", "_other_code", "_other_method")

    def __init__(self, methods: dict[str, Histogram], codes: dict[int, Counter]) -> None:
        self._methods, self._codes = methods, codes
        self._other_method, self._other_code = methods[OTHER], codes[OTHER_CODE]

    def answered(self, method: str, code: int, seconds: float) -> None:
        self._methods.get(method, self._other_method).observe(seconds)
        self._codes.get(code, self._other_code).inc()


class ProcessMetrics:
    """One per process, which always counts. The exporter reads the cells if they are in its directory."""

    def __init__(self, routes: Sequence[str] = (), directory: Path | None = None) -> None:
        known = tuple(dict.fromkeys(routes))
        self._seconds, self._responses = families.http_seconds(known), families.http_responses(known)
        cells = self._cells = Cells(families.every(known), directory)
        self.tokens = {
            grant: {result: cells.counter(families.TOKENS, grant, result) for result in RESULTS}
            for grant in (*GRANTS, OTHER)
        }
        self.refusals = {kind: cells.counter(families.REFUSALS, kind) for kind in families.REFUSED}
        self.documents = {each: cells.counter(families.DOCUMENTS, each) for each in families.DOCUMENT_OUTCOMES}
        self.logos = {each: cells.counter(families.LOGOS, each) for each in families.LOGO_OUTCOMES}
        self.fetches = {
            of: {each: cells.counter(families.FETCHES, of, each) for each in families.FETCH_OUTCOMES}
            for of in families.FETCHED
        }
        self.waiting = {log: cells.gauge(families.WAITING, log) for log in LOGS}
        self.hits, self.misses = (cells.counter(families.LOOKUPS, result) for result in ("hit", "miss"))
        self.cached = cells.gauge(families.CACHED)
        self.pool_used, self.pool_idle = (cells.gauge(families.POOL, state) for state in ("used", "idle"))
        self.pool_limit: Gauge = cells.gauge(families.POOL_LIMIT)
        self.database_errors = {each: cells.counter(families.DATABASE_ERRORS, each) for each in families.SQLSTATES}
        self.overloads = {each: cells.counter(families.OVERLOADS, each) for each in families.OVERLOADED}
        self.unused_clients = cells.counter(families.UNUSED_CLIENTS)
        self.streams = cells.gauge(families.STREAMS)
        self.messages = {level: cells.counter(families.MESSAGES, level) for level in families.LEVELS}
        self.routes = {path: self._route(path) for path in known}
        self._nowhere = self._codes(NONE)

    def answered(self, route: str, method: str, code: int, seconds: float) -> None:
        """Count a response, if this process measures responses."""
        if (found := self.routes.get(route)) is not None:
            found.answered(method, code, seconds)

    def fetch_of(self, of: str) -> Callable[[str], None]:
        """Return what counts a fetch of this, by its outcome."""
        outcomes = self.fetches[of]
        return lambda outcome: outcomes[outcome].inc()

    def answered_nowhere(self, code: int) -> None:
        """Count a response to a path, or a method, that no route has."""
        self._nowhere.get(code, self._nowhere[OTHER_CODE]).inc()

    def _route(self, path: str) -> RouteMetrics:
        methods = {method: self._cells.histogram(self._seconds, path, method) for method in METHODS}
        return RouteMetrics(methods, self._codes(path))

    def _codes(self, path: str) -> dict[int, Counter]:
        counters = {code: self._cells.counter(self._responses, path, code) for code in CODES}
        return {OTHER_CODE if code == OTHER else int(code): counter for code, counter in counters.items()}

    def commits(self, log: str) -> Watch:
        """Return what is to be told of each commit of a log."""
        sizes = self._cells.histogram(families.COMMIT_ITEMS, log)
        seconds = self._cells.histogram(families.COMMIT_SECONDS, log)
        return partial(_committed, sizes, seconds)


def _committed(sizes: Histogram, seconds: Histogram, items: int, took: float) -> None:
    sizes.observe(items)
    seconds.observe(took)
