"""A machine whose tokens are bound to a key calls the API by requests_oauth2client, which makes the proofs and handles nonces."""

import json
import os

import requests
from requests_oauth2client import OAuth2Client, OAuth2ClientCredentialsAuth

ISSUER = os.environ["ISSUER"]

client = OAuth2Client.from_discovery_endpoint(
    issuer=ISSUER,
    auth=(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]),
    dpop_bound_access_tokens=True,
    testing=True,
)
auth = OAuth2ClientCredentialsAuth(client)
calls = [requests.get(f"{ISSUER}/api/v1/auth/clients", params={"limit": 1}, auth=auth, timeout=60) for _ in range(2)]
bearer = {"Authorization": f"Bearer {auth.token.access_token}"}
calls.append(requests.get(f"{ISSUER}/api/v1/auth/clients", headers=bearer, timeout=60))
print(json.dumps({"statuses": [call.status_code for call in calls], "type": auth.token.token_type}))
