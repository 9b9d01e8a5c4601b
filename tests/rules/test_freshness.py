"""How long a response is kept, whatever its headers say."""

import pytest

from service.network.freshness import Kept, fresh_seconds

NOW = 1_800_000_000.0
HTTP_NOW, HTTP_LATER = "Fri, 15 Jan 2027 08:00:00 GMT", "Fri, 15 Jan 2027 08:10:00 GMT"

FRESH = [
    ({}, 60, "who says nothing gets the fewest seconds"),
    ({"cache-control": "max-age=600"}, 600, "max-age is followed"),
    ({"cache-control": 'public, MAX-AGE = "600"'}, 600, "in any case, and quoted"),
    ({"cache-control": "max-age=600", "age": "500"}, 100, "the time in other caches counts"),
    ({"cache-control": "max-age=600", "age": "-500"}, 600, "an age below zero does not"),
    ({"cache-control": "max-age=600", "expires": "0"}, 600, "max-age comes before Expires"),
    ({"cache-control": "max-age=1"}, 60, "a short time is as long as the fewest seconds"),
    ({"cache-control": "max-age=99999999"}, 3600, "a long time is as short as the most seconds"),
    ({"cache-control": "max-age=" + "9" * 4000}, 60, "a number that nobody means is none"),
    ({"cache-control": "max-age=٣٠٠"}, 60, "nor is one in other digits"),
    ({"cache-control": "max-age=600, no-store"}, 60, "no-store is the fewest seconds"),
    ({"cache-control": "no-cache"}, 60, "so is no-cache"),
    ({"cache-control": "s-maxage=600"}, 60, "s-maxage is for shared caches"),
    ({"cache-control": ",,==;max-age"}, 60, "what cannot be read is nothing"),
    ({"cache-control": "max-age=600," + " " * 1000}, 60, "a header of more than 1,000 characters is stale"),
    ({"cache-control": 'a="x y" z, max-age=600'}, 600, "a directive that cannot be read takes no other with it"),
    ({"date": HTTP_NOW, "expires": HTTP_LATER}, 600, "Expires counts from the server's own time"),
    ({"expires": HTTP_LATER}, 600, "or from ours"),
    ({"date": HTTP_LATER, "expires": HTTP_NOW}, 60, "what expired is the fewest seconds"),
    ({"expires": "0"}, 60, "a moment that cannot be read is past"),
]


@pytest.mark.parametrize(("headers", "seconds"), [pytest.param(h, s, id=i) for h, s, i in FRESH])
def test_a_response_is_fresh(headers: dict[str, str], seconds: int):
    assert fresh_seconds(headers, NOW, Kept(60, 3600)) == seconds
