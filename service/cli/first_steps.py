"""What the first start of the service prints."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.operators import Operator

WELCOME = """
  This is the first run. {console}
  There is a first client, too, which may do everything by the API. Its credentials are shown this once, and kept
  in {file} (readable by you alone).
"""

ELSEWHERE = """
  This is the first run. {console}
  There is a first client, too, which may do everything by the API. Its credentials are in
  {file} (readable by you alone); they are not shown here, because this is not a terminal and may be stored.
"""

CONSOLE = """To manage everything in the browser, make yourself a user, in another terminal (it asks for a password):

     .venv/bin/muniment users create you@example.com --operator

  Then sign in at {issuer}/console
"""

STEPS = """
    client_id      {client_id}
    client_secret  {client_secret}

  From here to a first token of your own, in another terminal:

  1. A token for the first client:

     TOKEN=$(curl -s {issuer}/openid/token -d grant_type=client_credentials \\
       -d client_id={client_id} \\
       -d client_secret={client_secret} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')

  2. A client for your integration:

     curl -s {issuer}/api/v1/auth/clients -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
       -d '{{"displayName": "Salesforce Production Integration", "m2m": true, "botUserId": "bot-abc123"}}'

  3. Its token, with the clientId and clientSecret of that answer:

     curl -s {issuer}/openid/token -d grant_type=client_credentials -d scope=api:public \\
       -d client_id=... -d client_secret=...

  From here to a first login:

  1. An application for people to log in to:

     curl -s {issuer}/api/v1/auth/clients -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
       -d '{{"displayName": "My Web App", "m2m": false, "redirectUri": "http://localhost:3000/callback"}}'

  2. Point any OpenID Connect library at {issuer} with the clientId and clientSecret of that answer. It opens:

     {issuer}/openid/authorize?response_type=code&client_id=...&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback\
&scope=openid+profile+email&state=...&code_challenge=...&code_challenge_method=S256

     People see and end their sessions and consents at {issuer}/account
"""


AUDITING = """
    client_id      {client_id}
    client_secret  {client_secret}

  It reads the clients, bots and users of every owner, and changes nothing:

     TOKEN=$(curl -s {issuer}/openid/token -d grant_type=client_credentials \\
       -d client_id={client_id} \\
       -d client_secret={client_secret} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')

     curl -s {issuer}/api/v1/auth/clients -H "Authorization: Bearer $TOKEN"
"""


def welcome(operator: "Operator", file: Path) -> str:
    """Show the secret only on a terminal: any other output may be stored."""
    console = CONSOLE.format(issuer=operator.issuer)
    if sys.stdout.isatty():
        return WELCOME.format(file=file, console=console) + first_token(operator)
    return ELSEWHERE.format(file=file, console=console)


def first_token(operator: "Operator") -> str:
    """The credentials, and the three commands that lead from them to a token."""
    return _with_credentials(STEPS, operator)


def first_audit(auditor: "Operator") -> str:
    """The credentials, and the two commands that lead from them to a first read."""
    return _with_credentials(AUDITING, auditor)


def _with_credentials(steps: str, operator: "Operator") -> str:
    return steps.format(client_id=operator.client_id, client_secret=operator.secret.reveal(), issuer=operator.issuer)
