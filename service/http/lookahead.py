"""Is this exactly one whole request? The same parser says so as otherwise, but calls nobody for a header, so that it costs a microsecond."""

import httptools

LONGEST = 16 * 1024


class Lookahead:
    """One per worker, for bytes that begin a request."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._begun: int = 0
        self._ended: int = 0
        self._keeps = False

    def on_message_begin(self) -> None:
        self._begun += 1

    def on_message_complete(self) -> None:
        self._ended += 1
        self._keeps = self._parser.should_keep_alive()

    def request(self, data: bytes) -> tuple[str, bytes] | None:
        """Return the method and the URL of the request that the bytes are, if its connection stays open after it, and the URL is a path;
        None for anything else.
        """
        if len(data) > LONGEST:
            return None
        self._begun = self._ended = 0
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._ended = 0
        is_whole = (self._begun, self._ended) == (1, 1) and self._parser.get_http_version() == "1.1"
        if is_whole and self._keeps:
            target = data.partition(b" ")[2]  # the parser would call us with the URL, which costs more
            url, _, rest = target.partition(b" ")
            if url.startswith(b"/") and rest.startswith(b"HTTP/1.1\r"):
                return self._parser.get_method().decode("ascii"), url
        self._parser = httptools.HttpRequestParser(self)
        return None
