"""Somebody's browser without JavaScript on its way between an application and the service: it follows, signs in, allows."""

from urllib.parse import urljoin

import httpx

from tests.flows.people import PASSWORD, Forms

MOST_STEPS = 25


async def logged_in(browser: httpx.AsyncClient, begin: str, email: str) -> httpx.Response:
    """The first page of the application that is no redirect and no form, after its login began at this URL."""
    answer = await browser.get(begin)
    for _ in range(MOST_STEPS):
        if answer.is_redirect:
            answer = await browser.get(urljoin(str(answer.url), answer.headers["location"]))
            continue
        form = Forms(answer.text) if "text/html" in answer.headers.get("content-type", "") else None
        if form is None or form.action is None:
            return answer
        answer = await browser.post(urljoin(str(answer.url), form.action), data=_filled(form, email))
    raise AssertionError(answer.text)


def _filled(form: Forms, email: str) -> dict[str, str]:
    match form.fields:
        case {"username": _}:
            return {**form.fields, "username": email, "password": PASSWORD}
        case {"csrf": _, "request": _}:
            return {**form.fields, "consent": "allow"}
        case fields:
            return fields
