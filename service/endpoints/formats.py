"""Which format an answer has: the one that the request's Accept prefers (RFC 9110 section 12.5.1)."""

from collections.abc import Sequence

from service.problems import NotAcceptable

JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
EVENT_STREAM = "text/event-stream"
ANY = ("", "*/*")


def chosen(accept: str | None, offered: Sequence[str]) -> str:
    """Return the offered format that the header prefers, the first of several. Raises NotAcceptable."""
    if accept is None or accept.strip() in ANY:
        return offered[0]
    ranges = [_range(each) for each in accept.split(",")]
    best = max(offered, key=lambda media: _quality(media, ranges))
    if _quality(best, ranges) <= 0:
        named = f"{', '.join(offered[:-1])} and {offered[-1]}" if len(offered) > 1 else offered[0]
        raise NotAcceptable(
            f"This answer has the format{'s' * (len(offered) > 1)} {named}; name one of them in Accept."
        )
    return best


def _range(text: str) -> tuple[str, float]:
    """Return a media range and its quality. A quality that is no number counts as 0."""
    media, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = next((value for name, _, value in (p.partition("=") for p in parameters) if name.strip() == "q"), "1")
    try:
        return media, min(float(quality), 1.0)
    except ValueError:
        return media, 0.0


def _quality(media: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return the quality of the most specific range that includes the format."""
    for form in (media, f"{media.partition('/')[0]}/*", "*/*"):
        found = [quality for name, quality in ranges if name == form]
        if found:
            return max(found)
    return 0.0
