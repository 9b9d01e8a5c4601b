"""A busy path is found without Starlette's router, and is the one that the router finds."""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.routing import Match, Route

from service.app import ALL_ROUTES, is_busy
from service.http.busy import BusyPaths

BUSY = BusyPaths(filter(is_busy, ALL_ROUTES))
FOUND = ("route", "path_params")


def _scope(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": unquote(path), "raw_path": path.encode(), "root_path": ""}


def _by_starlette(scope: MutableMapping[str, Any]) -> Route | None:
    for route in ALL_ROUTES:
        match, child = route.matches(scope)
        if match is not Match.NONE:
            scope.update(child, route=route)
            return route
    return None


def _sample(route: Route, part: str) -> str:
    return route.path_format.format_map(dict.fromkeys(route.param_convertors, part))


@pytest.mark.parametrize("part", ["x", "0" * 32, "delete", "{client_id}", "a.b~c", "caf%C3%A9", "%78"])
def test_a_path_below_another_is_the_one_that_the_router_finds(part: str):
    for path in {_sample(route, part) for route in ALL_ROUTES}:
        here, there = _scope(path), _scope(path)
        found = BUSY.find(here)
        route = _by_starlette(there)
        assert route is not None
        assert found in (None, route.app), path
        if found is not None and "route" in here:
            assert [here[each] for each in FOUND] == [there[each] for each in FOUND], path


@pytest.mark.parametrize("path", ["/api/v1/auth/clients/x", "/api/v1/auth/users/x", "/api/v1/auth/apis/x"])
def test_one_thing_of_the_management_api_is_found_without_the_router(path: str):
    assert BUSY.find(_scope(path)) is not None


@pytest.mark.parametrize("path", ["/console", "/console/clients", "/console/clients/x/secrets", "/console/"])
def test_every_page_of_the_console_is_found_without_the_router(path: str):
    assert BUSY.find(_scope(path)) is not None


@pytest.mark.parametrize(
    "path",
    [
        "/console/%78",
        "/console/caf\u00e9",
        "/consoles/x",
        "/api/v1/auth/clients/",
        "/api/v1/auth/clients/%78",
        "/api/v1/auth/clients/x/y",
        "/x",
        "//",
        "",
    ],
)
def test_any_other_path_is_left_to_the_router(path: str):
    scope = _scope(path)
    assert BUSY.find(scope) is None
    assert not scope.keys() & FOUND
