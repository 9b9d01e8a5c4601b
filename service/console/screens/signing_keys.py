"""/console/keys: the keys that sign tokens, how old they are, and their rotation."""

from starlette.responses import Response

from service.console import paging
from service.console.forms import FormState, untouched
from service.console.language import N_
from service.console.recent_sign_in import always
from service.console.screen import ConsoleVisit, Link, Screen
from service.console.submission import submitted
from service.endpoints.signing_keys import PATH, SigningKey
from service.problems import NotFound
from service.values.scopes import AUDIT_READ, OPERATE

PAGE_SIZE = "50"


async def show(visit: ConsoleVisit) -> Response:
    return await _page(visit, untouched(visit))


async def rotate(visit: ConsoleVisit) -> Response:
    """The form names the key that signed when it was shown, so that a form sent twice rotates once."""
    if visit.form.get("do") != "rotate":
        raise NotFound("There is no such form on this page.")

    async def send() -> Response:
        body = {"activeKid": visit.form.get("activeKid", "")}
        await visit.api.send("POST", f"{PATH}/rotate", body, reason=visit.reason)
        done = visit.gettext("The keys are rotated. New tokens are signed with the next keys.")
        return visit.to(paging.here(visit), done)

    return await submitted(visit, OPERATE, send, lambda form, status: _page(visit, form, status))


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
    active, following = await _in_state(visit, "active"), await _in_state(visit, "published")
    retired = await visit.api.get(PATH, state="retired", limit=PAGE_SIZE, cursor=visit.query.get("cursor"))
    return visit.page(
        "signing_keys.html",
        title=visit.gettext("Signing keys"),
        status=status,
        form=form,
        action=paging.here(visit),
        keys=sorted([*active, *following], key=lambda key: (key.alg, key.state)),
        active_kid=visit.returned.get("activeKid") or (active[0].kid if active else ""),
        next_since=max((key.published_utc for key in following), default=None),
        retired=retired.of(list[SigningKey]),
        operates=visit.may(OPERATE),
        **paging.neighbours(visit, retired),
    )


async def _in_state(visit: ConsoleVisit, state: str) -> list[SigningKey]:
    return (await visit.api.get(PATH, state=state, limit=PAGE_SIZE)).of(list[SigningKey])


SCREENS = (
    Screen(
        path="/keys",
        get=show,
        post=rotate,
        sensitive=always,
        needs=AUDIT_READ,
        link=Link(group="operation", order=20, label=N_("Signing keys"), icon="keys"),
    ),
)
