"""A row of bars, drawn by the server as SVG: one for each number, the highest as high as the picture."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

WIDTH, GAP, HEIGHT = 8, 2, 48
"""In units of the picture's own."""


class Bar(Struct, frozen=True):
    x: int
    y: int
    height: int


class Bars(Struct, frozen=True, kw_only=True):
    width: int
    most: int
    bars: list[Bar]
    numbers: Sequence[int]
    days: Sequence[date] = ()


def bars(numbers: Sequence[int], days: Sequence[date] = ()) -> Bars:
    """Every number above 0 can be seen, however small it is beside the others. `days` are those of the numbers."""
    most = max(numbers, default=0)
    heights = [max(1, round(number / most * HEIGHT)) if number else 0 for number in numbers]
    made = [Bar(place * (WIDTH + GAP), HEIGHT - height, height) for place, height in enumerate(heights)]
    return Bars(width=max(len(numbers) * (WIDTH + GAP) - GAP, 1), most=most, bars=made, numbers=numbers, days=days)
