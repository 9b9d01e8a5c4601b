"""How long to measure: a quarter of an hour at most for figures to quote, about three minutes to see that nothing is badly off."""

from msgspec import Struct


class Pace(Struct, frozen=True, kw_only=True):
    rounds: int
    seconds: float
    open_rounds: int
    open_seconds: float
    append_rounds: int
    append_seconds: int
    events: int
    reads: int
    starts: int
    versions: int
    history: int
    tokens: int
    read_seconds: float
    burst: int
    registered: int
    requests: int = 100_000
    minutes: float = 60.0


CAREFUL = Pace(
    rounds=5,
    seconds=0.7,
    open_rounds=3,
    open_seconds=0.8,
    append_rounds=3,
    append_seconds=1,
    events=400_000,
    reads=3,
    starts=3,
    versions=4,
    history=1_000_000,
    tokens=1_000_000,
    read_seconds=3.0,
    burst=1_000_000,
    registered=20_000,
)
QUICK = Pace(
    rounds=3,
    seconds=0.6,
    open_rounds=1,
    open_seconds=1.0,
    append_rounds=1,
    append_seconds=1,
    events=50_000,
    reads=1,
    starts=1,
    versions=2,
    history=20_000,
    tokens=20_000,
    read_seconds=0.2,
    burst=400_000,
    registered=5_000,
)
