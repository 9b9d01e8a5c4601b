"""A code from what this process remembers, if that is enough for one. Its commit finds out whether it still holds (decision 0033)."""

from service.commands.handle import Overtaken
from service.crypto.credentials import Secret
from service.grants.code_issuance import codes_of, issue_code_from_memory, next_step
from service.grants.validation import plainly_valid
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.interaction import IssueCode
from service.oauth.parameters import Params
from service.resources import Resources


async def code_at_once(
    resources: Resources, params: Params, twice: tuple[str, ...], cookie: str
) -> tuple[AuthorizationRequest, Secret] | None:
    """Return the request and its code. None: nothing was recorded, and everything has to be looked up. So nothing is refused, and nobody is
    sent to a page, because of what was remembered. Raises Unavailable.
    """
    client_id = params.get("client_id", "")
    seen, signed_in = resources.lookup.remembered(client_id), resources.first_looks.remembered(cookie, client_id)
    if seen is None or signed_in is None:
        return None
    request = plainly_valid(resources, params, twice, seen)
    if request is None:
        return None
    if not isinstance(await next_step(resources, request, seen, signed_in), IssueCode):
        return None
    counted_as = codes_of(signed_in)
    if (await resources.codes.count(counted_as)).used > resources.codes.limit:
        return None
    try:
        return request, await issue_code_from_memory(resources, request, seen, signed_in)
    except Overtaken:
        resources.codes.take_back(counted_as)
        return None
