"""Responses of the management API are made of their bytes, and are those of Starlette."""

import pytest
from starlette.responses import Response

from service.endpoints.responses import Plain


@pytest.mark.parametrize("media", ["application/json", "text/csv", "application/octet-stream"])
@pytest.mark.parametrize("headers", [{}, {"Location": "/x", "ETag": '"7"'}])
def test_a_plain_response_has_the_headers_that_starlette_would_send(media: str, headers: dict[str, str]):
    made, starlettes = Plain(b"body", 201, headers, media), Response(b"body", 201, headers, media)
    assert (made.status_code, made.body, made.raw_headers) == (
        starlettes.status_code,
        starlettes.body,
        starlettes.raw_headers,
    )
    assert made.headers == starlettes.headers
