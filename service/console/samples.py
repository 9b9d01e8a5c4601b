"""Programs that get a first token with a new client, or sign a person in: for curl, Python, Node, Go and Spring.

Values are quoted as each language writes a text. The secret is read from the environment, so no program has it in its source.
"""

import shlex
from collections.abc import Sequence

from msgspec import Struct, json

SECRET = "MUNIMENT_CLIENT_SECRET"  # noqa: S105 - the name of a variable


class Sample(Struct, frozen=True, kw_only=True):
    name: str
    text: str


class About(Struct, frozen=True, kw_only=True):
    """What the programs need to know. `redirect_uri` is "" for a machine client."""

    issuer: str
    client_id: str
    scopes: Sequence[str]
    redirect_uri: str = ""
    public: bool = False

    @property
    def scope(self) -> str:
        return " ".join(self.scopes)


def of_machine(about: About) -> list[Sample]:
    """A token by the client credentials grant (RFC 6749 section 4.4)."""
    return [
        Sample(name="curl", text=_curl(about)),
        Sample(name="Python", text=_python(about)),
        Sample(name="Node", text=_node(about)),
        Sample(name="Go", text=_go(about)),
        Sample(name="Spring", text=_spring(about)),
    ]


def of_login(about: About) -> list[Sample]:
    """A sign-in by the authorization code grant, with libraries that find the rest under the issuer."""
    return [
        Sample(name="curl", text=f"curl -s {shlex.quote(about.issuer + '/.well-known/openid-configuration')}"),
        Sample(name="Python", text=_python_login(about)),
        Sample(name="Node", text=_node_login(about)),
        Sample(name="Go", text=_go_login(about)),
        Sample(name="Spring", text=_spring_login(about)),
    ]


def _curl(about: About) -> str:
    return f"""curl -s {shlex.quote(about.issuer + "/openid/token")} \\
  -d grant_type=client_credentials \\
  -d client_id={shlex.quote(about.client_id)} \\
  -d client_secret="${SECRET}" \\
  --data-urlencode {shlex.quote(f"scope={about.scope}")}"""


def _python(about: About) -> str:
    return f"""# pip install httpx
import os, httpx

answer = httpx.post({_text(about.issuer + "/openid/token")}, data={{
    "grant_type": "client_credentials",
    "client_id": {_text(about.client_id)},
    "client_secret": os.environ["{SECRET}"],
    "scope": {_text(about.scope)},
}})
answer.raise_for_status()
print(answer.json()["access_token"])"""


def _node(about: About) -> str:
    return f"""const answer = await fetch({_text(about.issuer + "/openid/token")}, {{
  method: "POST",
  body: new URLSearchParams({{
    grant_type: "client_credentials",
    client_id: {_text(about.client_id)},
    client_secret: process.env.{SECRET},
    scope: {_text(about.scope)},
  }}),
}});
if (!answer.ok) throw new Error(await answer.text());
console.log((await answer.json()).access_token);"""


def _go(about: About) -> str:
    return f"""package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"golang.org/x/oauth2/clientcredentials"
)

func main() {{
	config := clientcredentials.Config{{
		ClientID:     {_text(about.client_id)},
		ClientSecret: os.Getenv("{SECRET}"),
		TokenURL:     {_text(about.issuer + "/openid/token")},
		Scopes:       []string{{{", ".join(map(_text, about.scopes))}}},
	}}
	token, err := config.Token(context.Background())
	if err != nil {{
		log.Fatal(err)
	}}
	fmt.Println(token.AccessToken)
}}"""


def _spring(about: About) -> str:
    return f"""spring:
  security:
    oauth2:
      client:
        registration:
          muniment:
            client-id: {_text(about.client_id)}
            client-secret: ${{{SECRET}}}
            authorization-grant-type: client_credentials
            scope: {_list(about.scopes)}
        provider:
          muniment:
            token-uri: {_text(about.issuer + "/openid/token")}"""


def _python_login(about: About) -> str:
    secret = "" if about.public else f'\n    client_secret=os.environ["{SECRET}"],'
    return f"""# pip install authlib httpx starlette itsdangerous
import os
from authlib.integrations.starlette_client import OAuth

oauth = OAuth()
oauth.register(
    "muniment",
    client_id={_text(about.client_id)},{secret}
    server_metadata_url={_text(about.issuer + "/.well-known/openid-configuration")},
    client_kwargs={{"scope": {_text(_with_openid(about))}, "code_challenge_method": "S256"}},
)
# In the route that signs in:
#   return await oauth.muniment.authorize_redirect(request, {_text(about.redirect_uri)})"""


def _node_login(about: About) -> str:
    secret = "undefined, client.None()" if about.public else f"process.env.{SECRET}"
    return f"""// npm install openid-client
import * as client from "openid-client";

const server = await client.discovery(new URL({_text(about.issuer)}), {_text(about.client_id)}, {secret});
const verifier = client.randomPKCECodeVerifier();
const url = client.buildAuthorizationUrl(server, {{
  redirect_uri: {_text(about.redirect_uri)},
  scope: {_text(_with_openid(about))},
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
}});
// At the redirect URI:
//   const tokens = await client.authorizationCodeGrant(server, currentUrl, {{ pkceCodeVerifier: verifier }});"""


def _go_login(about: About) -> str:
    secret = "" if about.public else f'\n\tClientSecret: os.Getenv("{SECRET}"),'
    return f"""provider, err := oidc.NewProvider(ctx, {_text(about.issuer)}) // github.com/coreos/go-oidc/v3/oidc
if err != nil {{
	log.Fatal(err)
}}
config := oauth2.Config{{
	ClientID:     {_text(about.client_id)},{secret}
	Endpoint:     provider.Endpoint(),
	RedirectURL:  {_text(about.redirect_uri)},
	Scopes:       []string{{{", ".join(map(_text, _with_openid(about).split()))}}},
}}
verifier := oauth2.GenerateVerifier()
url := config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))"""


def _spring_login(about: About) -> str:
    secret = "client-authentication-method: none" if about.public else f"client-secret: ${{{SECRET}}}"
    return f"""spring:
  security:
    oauth2:
      client:
        registration:
          muniment:
            client-id: {_text(about.client_id)}
            {secret}
            authorization-grant-type: authorization_code
            redirect-uri: {_text(about.redirect_uri)}
            scope: {_list(_with_openid(about).split())}
        provider:
          muniment:
            issuer-uri: {_text(about.issuer)}"""


def _with_openid(about: About) -> str:
    return " ".join(dict.fromkeys(("openid", "profile", "email", *about.scopes)))


def _text(value: str) -> str:
    """A text as Python, JavaScript, Go and YAML all read it: as JSON writes it."""
    return json.encode(value).decode()


def _list(values: Sequence[str]) -> str:
    return json.encode(list(values)).decode()
