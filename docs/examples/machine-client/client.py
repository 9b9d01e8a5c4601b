"""A program that calls an API as itself, without a person: the client credentials grant (RFC 6749 section 4.4)."""

import os
import time
from collections.abc import Generator

import httpx

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:8000")
API = os.environ.get("API", "http://127.0.0.1:8001")

RENEW_BEFORE_SECONDS = 30
"""A token is renewed a little early, so that none expires while a request with it is on its way."""


class ClientCredentials(httpx.Auth):
    """Puts an access token on each request, and asks for a new one only when the last one is about to expire."""

    requires_response_body = True  # auth_flow reads the token response

    def __init__(self, client_id: str, client_secret: str, resource: str) -> None:
        self.form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            # The token is for this API alone (RFC 8707): no other API that sees it can use it elsewhere.
            "resource": resource,
        }
        self.token = ""
        self.renew_at = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if time.monotonic() >= self.renew_at:
            answer = yield httpx.Request("POST", f"{ISSUER}/openid/token", data=self.form)
            if answer.is_error:  # the error_description says what is wrong, and never contains the secret
                raise RuntimeError(f"no access token: {answer.text}")
            self.token = answer.json()["access_token"]
            self.renew_at = time.monotonic() + answer.json()["expires_in"] - RENEW_BEFORE_SECONDS
        request.headers["Authorization"] = f"Bearer {self.token}"
        response = yield request
        if response.status_code == 401:  # the token was revoked before it expired, so the next request gets a new one
            self.renew_at = 0.0


def main() -> None:
    auth = ClientCredentials(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"], resource=API)
    with httpx.Client(base_url=API, auth=auth) as api:
        print(api.get("/me").raise_for_status().text)
        print(api.get("/notes").raise_for_status().text)  # the same token: asking again for each request is slow


if __name__ == "__main__":
    main()
