"""The commands that remove what is not used."""

from shlex import quote

from projections.unused import Unused
from service.values.workload_option import option_of

NO_WORKLOAD = "--workload ''"


def commands(unused: Unused) -> list[str]:
    """Return them for people to read and run. A shell takes no word of them for anything else."""
    client = quote(unused.client.client_id)
    if unused.whole:
        verb = "disable" if unused.client.state == "active" else "delete"
        return [f"muniment clients {verb} {client}"]
    removed = "".join(f" --remove-scope {quote(scope)}" for scope, _ in unused.scopes)
    return [
        *(f"muniment secrets revoke {client} {secret.secret_id}" for secret, _ in unused.secrets),
        *(f"muniment client-keys revoke {client} {key.key_id}" for key, _ in unused.keys),
        *_workloads(client, unused),
        *([f"muniment clients edit {client}{removed}"] if removed else []),
    ]


def _workloads(client: str, unused: Unused) -> list[str]:
    """Return the command with those that stay."""
    gone = {each for each, _ in unused.workloads}
    if not gone:
        return []
    stay = [each for each in unused.client.security.workload_identities if each not in gone]
    options = " ".join(f"--workload {quote(option_of(each))}" for each in stay)
    return [f"muniment clients edit {client} {options or NO_WORKLOAD}"]
