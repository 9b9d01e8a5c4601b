"""What the pages call the fields of the API, in forms, faults and histories."""

from collections.abc import Mapping

from service.console.language import N_, catalogue

LABELS: Mapping[str, str] = {
    "accessTokenSignedResponseAlg": N_("Signature of access tokens"),
    "activeKid": N_("Signing key in use"),
    "actor": N_("Actor"),
    "address": N_("Address"),
    "at": N_("To"),
    "backchannelLogoutUri": N_("Sign-out notification URI"),
    "bot": N_("Bot"),
    "botUserId": N_("Acts as"),
    "client": N_("Client"),
    "clientId": N_("Client ID"),
    "createdUtc": N_("Created"),
    "displayName": N_("Name"),
    "email": N_("Email"),
    "emailVerified": N_("Email address verified"),
    "expiresUtc": N_("Expires"),
    "firstName": N_("First name"),
    "firstParty": N_("First-party application"),
    "fullName": N_("Full name"),
    "groupRoles": N_("Roles through groups"),
    "groups": N_("Groups"),
    "id": N_("What was compromised?"),
    "idTokenClaims": N_("Claims of ID tokens"),
    "idTokenSignedResponseAlg": N_("Signature of ID tokens"),
    "jti": N_("Token ID"),
    "key": N_("Signing key"),
    "lastName": N_("Last name"),
    "m2m": N_("Machine"),
    "name": N_("Name"),
    "order": N_("Order"),
    "othersExpireUtc": N_("The other secrets"),
    "owner": N_("Owner"),
    "password": N_("Password"),
    "postLogoutRedirectUris": N_("After sign-out"),
    "public": N_("Public client"),
    "q": N_("Name or ID"),
    "reads": N_("Reads of the log"),
    "confirm": N_("Confirmation"),
    "reason": N_("Reason"),
    "redirectUri": N_("Redirect URI"),
    "redirectUris": N_("Redirect URIs"),
    "request": N_("Request"),
    "requirePkce": N_("PKCE"),
    "role": N_("Role in this console"),
    "roles": N_("Roles"),
    "scope": N_("Scope"),
    "scopes": N_("Scopes"),
    "secret": N_("Secret"),
    "secrets": N_("Secrets"),
    "since": N_("Since"),
    "state": N_("State"),
    "stream": N_("Stream"),
    "subject": N_("Subject"),
    "type": N_("What happened"),
    "until": N_("Until"),
    "updatedUtc": N_("Changed"),
    "user": N_("User"),
}


def label(name: str, language: str) -> str:
    """Return the label of the field; its name if it has none."""
    return catalogue(language).gettext(LABELS[name]) if name in LABELS else name
