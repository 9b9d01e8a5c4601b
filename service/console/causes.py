"""Why a request was refused, in a sentence for the rows of events."""

from collections.abc import Mapping

from service.audit.event_json import AuditEvent
from service.console.language import N_
from service.console.screen import ConsoleVisit

WHY: Mapping[str, str] = {
    "unknown_client": N_("There is no such client."),
    "client_deleted": N_("The client is deleted."),
    "client_stopped": N_("The client or its bot is disabled."),
    "no_secret": N_("It sent no secret."),
    "wrong_secret": N_("It sent a wrong secret."),
    "expired_secret": N_("It sent a secret that has expired."),
    "wrong_registration_token": N_("It sent a wrong registration access token."),
    "wrong_initial_access_token": N_("It sent an initial access token that is wrong, used up or expired."),
    "wrong_software_statement": N_("It sent a software statement that is not accepted."),
    "wrong_method": N_("It authenticated by another method than that of the client."),
    "unknown_key": N_("It sent an assertion of a key that the client does not have."),
    "wrong_assertion": N_("It sent an assertion that is not valid."),
    "expired_assertion": N_("It sent an assertion that has expired."),
    "replayed_assertion": N_("It sent an assertion for the second time."),
    "wrong_certificate": N_("It sent no certificate that is the client's."),
    "unknown_workload": N_("It sent a token of a workload that is none of the client's."),
    "keys_not_fetched": N_("The keys of the client could not be fetched."),
    "throttled": N_("It tried too often."),
}


def cause(visit: ConsoleVisit, event: AuditEvent) -> str:
    """Return the sentence, or "" for an event that is no refusal. What a request lacked is the API's, in English."""
    said = event.data
    match event.type:
        case "refusal.client_authentication":
            why = str(said["why"])
            return visit.gettext(WHY[why]) if why in WHY else why
        case "refusal.authorization":
            return str(said["why"])
        case "refusal.not_permitted":
            return f"{said['request']}: {said['why']}"
        case "refusal.throttled":
            return visit.gettext("More than %(limit)s requests in a minute.") % {"limit": said["limit"]}
        case "refusal.left_out":
            return ", ".join(f"{kind.replace('_', ' ')}: {count}" for kind, count in said["counts"].items())
        case _:
            return ""
