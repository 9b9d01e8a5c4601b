"""A client by requests_oauth2client that uses one method of OAuth, as tests/clients/methods.py tells it."""

import json

from requests_oauth2client import AuthorizationRequest, DeviceAuthorizationPollingJob, OAuth2Client

told = json.loads(input())
key = told.get("key")
client = OAuth2Client.from_discovery_endpoint(
    issuer=told["issuer"],
    client_id=told["clientId"],
    client_secret=told.get("clientSecret"),
    private_key=key,
    redirect_uri=told["callback"],
    device_authorization_endpoint=f"{told['issuer']}/openid/device_authorization",  # it does not discover this one
    testing=True,
)


def say(**what):
    print(json.dumps(what), flush=True)


def logged_in(request: AuthorizationRequest, url):
    say(url=str(url))
    return client.authorization_code(request.validate_callback(input()), validate=True)


def of_a_device():
    device = client.authorize_device(scope="openid")
    say(user_code=device.user_code)
    input()
    job = DeviceAuthorizationPollingJob(client, device)
    while (token := job()) is None:
        pass
    return token


request = client.authorization_request(scope="openid email")
match told["method"]:
    case "private_key_jwt":
        token = client.client_credentials()
    case "dpop":
        token = client.client_credentials(dpop=True)
    case "par":
        token = logged_in(request, client.pushed_authorization_request(request))
    case "jar":
        token = logged_in(request, request.sign(key))
    case "device":
        token = of_a_device()
    case "exchange":
        kind = "urn:ietf:params:oauth:token-type:access_token"
        token = client.token_exchange(subject_token=told["subjectToken"], subject_token_type=kind, resource=told["api"])
say(token=token.access_token)
