"""Reads the settings from the environment one by one, and collects their faults."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path

from events.user import Role
from service.configuration import database, documents, issuer, upstream, webhook, witnesses
from service.configuration.kubernetes import is_service_variable
from service.configuration.upstream import Upstream
from service.configuration.witnesses import Witness
from service.crypto.base64url import of_text
from service.network import hosts
from service.tracing import variables

MOST_DIGITS = 9
MOST_PORT = 65535
LEAST_DAYS, MOST_DAYS = 30, 36_500
ACCESS_TOKEN_ALGS = {"es256": "ES256", "rs256": "RS256", "eddsa": "EdDSA"}
UPSTREAM_CLAIMS, UPSTREAM_SCOPE = "MUNIMENT_UPSTREAM_CLAIMS", "MUNIMENT_UPSTREAM_SCOPE"
UPSTREAM_ROLES = "MUNIMENT_UPSTREAM_ROLES"


class Environment:
    """The environment. `faults` has a sentence for each setting that cannot be used."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._known: set[str] = {"MUNIMENT_NEW_MASTER_KEY"}
        self.faults: list[str] = []

    def text(self, name: str, default: str) -> str:
        self._known.add(name)
        return self._environment.get(name, "").strip() or default

    def listed(self, name: str, default: str) -> tuple[str, ...]:
        """Return the parts between the commas, each once."""
        parts = [part.strip() for part in self.text(name, default).split(",")]
        if not all(parts):
            self.faults.append(f"{name} has an empty part; put addresses such as 127.0.0.1 or ::1 between the commas.")
        return tuple(dict.fromkeys(filter(None, parts)))

    def number(self, name: str, default: int, least: int, most: int) -> int:
        text = self.text(name, str(default))
        if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and least <= int(text) <= most:
            return int(text)
        self.faults.append(f"{name}={text} is not a whole number from {least} to {most}.")
        return default

    def address(self, name: str) -> tuple[str, int] | None:
        """Return a host and a port. Without a host, `::` stands for every address."""
        text = self.text(name, "")
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
        if not text:
            return None
        if colon and port.isascii() and port.isdigit() and len(port) <= MOST_DIGITS and 1 <= int(port) <= MOST_PORT:
            return host or "::", int(port)
        self.faults.append(f"{name}={text} is not an address and a port, such as 127.0.0.1:9464 or [::1]:9464.")
        return None

    def retention(self, name: str) -> int:
        """Return a number of days, of which 30 are the least; 0 keeps everything."""
        text = self.text(name, "0")
        if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and _is_retention(days := int(text)):
            return days
        self.faults.append(
            f"{name}={text} is neither 0 (tokens stay for ever) nor a whole number of days from 30 to 36500."
        )
        return 0

    def one_of(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        text = self.text(name, default).lower()
        if text not in choices:
            self.faults.append(f"{name}={text} is none of {', '.join(choices)}.")
        return text

    def access_token_alg(self, name: str) -> str:
        given = self.text(name, "ES256")
        if given.lower() not in ACCESS_TOKEN_ALGS:
            self.faults.append(f"{name}={given} is none of {', '.join(ACCESS_TOKEN_ALGS.values())}.")
        return ACCESS_TOKEN_ALGS.get(given.lower(), "ES256")

    def issuer(self, name: str, default: str, insecure: frozenset[str]) -> str:
        text = self.text(name, default)
        fault = issuer.fault(text, insecure) or issuer.origin_fault(text)
        if fault:
            shown = name if "@" in text else f"{name}={text}"  # the part before an @ may be a password
            self.faults.append(f"{shown} {fault}.")
        return default if fault else text

    def upstream(self, *names: str, insecure: frozenset[str]) -> Upstream | None:
        """Read the three required settings, which are set together or not at all. The claims, the scope and the roles need them."""
        given = {name: self.text(name, "") for name in names}
        claims, scope = self._upstream_claims(UPSTREAM_CLAIMS), self._upstream_scope(UPSTREAM_SCOPE)
        missing = [name for name, text in given.items() if not text]
        if len(missing) == len(names):
            self._no_more_than(names, UPSTREAM_CLAIMS, UPSTREAM_SCOPE, UPSTREAM_ROLES)
            return None
        roles = self._upstream_roles(UPSTREAM_ROLES, claims)
        for name in missing:
            self.faults.append(f"{name} is missing; the three settings of the upstream OpenID Provider go together.")
        named, client_id, client_secret = given.values()
        # Another provider's issuer may end with a slash.
        if named and (fault := issuer.fault(named.removesuffix("/"), insecure)):
            shown = names[0] if "@" in named else f"{names[0]}={named}"
            self.faults.append(f"{shown} {fault}.")
        return Upstream(
            issuer=named, client_id=client_id, client_secret=client_secret, claims=claims, scope=scope, roles=roles
        )

    def _upstream_claims(self, name: str) -> Mapping[str, str]:
        claims, faults = upstream.mapped(self.text(name, ""))
        self.faults += [f"{name} {fault}." for fault in faults]
        return claims

    def _upstream_scope(self, name: str) -> str:
        text = self.text(name, upstream.SCOPE)
        if fault := upstream.scope_fault(text):
            self.faults.append(f"{name}={text} {fault}.")
        return " ".join(text.split())

    def _upstream_roles(self, name: str, claims: Mapping[str, str]) -> Mapping[str, Sequence[Role]]:
        text = self.text(name, "")
        roles, faults = upstream.roles_mapped(text)
        self.faults += [f"{name} {fault}." for fault in faults]
        if text and upstream.GROUPS not in claims:
            self.faults.append(
                f"{name} is set, but no groups are known: {UPSTREAM_CLAIMS} must name the provider's claim for them,"
                " such as groups=groups."
            )
        return roles

    def _no_more_than(self, needed: tuple[str, ...], *names: str) -> None:
        for name in names:
            if self.text(name, ""):
                self.faults.append(f"{name} is set without an upstream OpenID Provider; set {', '.join(needed)} too.")

    def webhook(self, url: str, secret: str, *, insecure: frozenset[str]) -> webhook.Webhook | None:
        """Read the two settings, which are set together or not at all."""
        named, key_text = self.text(url, ""), self.text(secret, "")
        if not named and not key_text:
            return None
        if not named or not key_text:
            self.faults.append(f"{secret if named else url} is missing; {url} and {secret} go together.")
            return None
        key = webhook.key_of(key_text)
        if key is None:
            self.faults.append(
                f"{secret} is not whsec_ and 24 to 64 bytes in base64 (its value is not shown); make one:"
                ' echo "whsec_$(openssl rand -base64 32)"'
            )
        if fault := webhook.url_fault(named, insecure):
            self.faults.append(f"{url} {fault} (its value is not shown).")
        return None if key is None else webhook.Webhook(url=named, key=key)

    def witnesses(self, name: str, insecure: frozenset[str]) -> tuple[Witness, ...]:
        found, faults = witnesses.read(self.text(name, ""), insecure)
        self.faults += [f"{name} {fault}." for fault in faults]
        return found

    def documents(self, name: str) -> documents.Documents:
        found, faults = documents.read(self.text(name, documents.ALL))
        self.faults += [f"{name} {fault}." for fault in faults]
        return found

    def traces(self) -> variables.Traces | None:
        return variables.read(self._environment)

    def database_url(self, name: str) -> str | None:
        text = self.text(name, "")
        if not text:
            return None
        self.faults += database.faults(name, text, self._environment)
        return text

    def master_key(self, name: str, *, required: bool) -> bytes | None:
        text = self.text(name, "")
        if not text:
            if required:
                self.faults.append(f"{name} is required with MUNIMENT_DATABASE_URL; make one: openssl rand -base64 32")
            return None
        key = decode_master_key(text.replace("+", "-").replace("/", "_"))
        if key is None:
            self.faults.append(
                f"{name} is not 32 bytes in base64 (its value is not shown); make one: openssl rand -base64 32"
            )
        return key

    def networks(self, name: str) -> str:
        text, before = self.text(name, ""), len(self.faults)
        for part in filter(None, (part.strip() for part in text.split(","))):
            try:
                ip_network(part)
            except ValueError:
                self.faults.append(f"{name}: {part} is not an address or a network such as 10.0.0.0/8.")
        return text if len(self.faults) == before else ""

    def certificate_header(self, name: str, known: Sequence[str]) -> str | None:
        """Return the header in which proxies pass on client certificates. Without trusted proxies, strangers could write it."""
        header = self.text(name, "").lower()
        if not header:
            return None
        if header not in known:
            self.faults.append(f"{name} is none of: {', '.join(known)}.")
        elif not self.text("MUNIMENT_TRUSTED_PROXIES", ""):
            self.faults.append(
                f"{name} needs MUNIMENT_TRUSTED_PROXIES: only a proxy may say which certificate a client has."
            )
        return header

    def hosts(self, name: str) -> frozenset[str]:
        """Return the hosts, which are separated by commas and have no scheme and no port."""
        named = frozenset(filter(None, (part.strip().lower() for part in self.text(name, "").split(","))))
        for host in sorted(named):
            fault = hosts.fault(host)
            if fault:
                self.faults.append(
                    f"{name}: {host} {fault}; name hosts alone, such as app or app.internal, without port."
                )
        return named

    def directory(self, name: str) -> Path | None:
        text = self.text(name, "")
        if text and not Path(text).is_dir():
            self.faults.append(f"{name}={text} is not a directory.")
        return Path(text) if text else None

    def no_stranger(self) -> None:
        for name in sorted(set(self._environment) - self._known):
            if name.startswith("MUNIMENT_") and not is_service_variable(name, self._environment[name]):
                instead = "; PORT is" if name == "MUNIMENT_PORT" else ""
                self.faults.append(
                    f"{name} is not a setting of Muniment{instead}; docs/configuration.md lists the settings."
                )


def decode_master_key(text: str) -> bytes | None:
    """Decode 32 bytes from base64url (with or without padding). Returns None if the text is anything else."""
    key = of_text(text)
    return key if key is not None and len(key) == 32 else None


def _is_retention(days: int) -> bool:
    return days == 0 or LEAST_DAYS <= days <= MOST_DAYS
