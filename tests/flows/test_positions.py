"""Muniment-Position says where in the log a change stands; Muniment-Min-Position asks for nothing older than that."""

from tests.flows.conftest import Live, oauth_error, refused

CLIENTS = "/api/v1/auth/clients"
BOTS = "/api/v1/auth/bots"
MIN = "Muniment-Min-Position"


async def test_every_change_answers_its_position_and_each_is_higher(live: Live):
    made = await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=live.bearer)
    path, match = made.headers["location"], {**live.bearer, "If-Match": "*"}
    bot = await live.http.post(BOTS, json={"email": "positions@example.com"}, headers=live.bearer)
    secret = await live.http.post(f"{path}/secrets", json={}, headers=live.bearer)
    answers = [
        made,
        bot,
        secret,
        await live.http.patch(path, json={"displayName": "x"}, headers=match),
        await live.http.post(f"{path}/disable", headers=live.bearer),
        await live.http.post(f"{path}/enable", headers=live.bearer),
        await live.http.delete(secret.headers["location"], headers=live.bearer),
        await live.http.post(f"{bot.headers['location']}/disable", headers=live.bearer),
        await live.http.post(f"{bot.headers['location']}/enable", headers=live.bearer),
        await live.http.delete(bot.headers["location"], headers=live.bearer),
        await live.http.delete(path, headers=live.bearer),
    ]
    positions = [int(answer.headers["muniment-position"]) for answer in answers]
    assert positions == sorted(set(positions))


async def test_what_changes_nothing_has_no_position(live: Live):
    client_id, _ = await live.register()
    for path in (f"{CLIENTS}/{client_id}/enable", CLIENTS):
        answer = await live.http.request("POST" if path != CLIENTS else "GET", path, headers=live.bearer)
        assert answer.status_code == 200
        assert "muniment-position" not in answer.headers


async def test_a_read_and_a_token_at_a_position_that_was_reached_are_answered(live: Live):
    made = await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=live.bearer)
    at = {MIN: made.headers["muniment-position"]}
    assert (await live.http.get(made.headers["location"], headers={**live.bearer, **at})).status_code == 200
    client = {"client_id": made.json()["clientId"], "client_secret": made.json()["clientSecret"]}
    assert (
        await live.http.post("/openid/token", data={"grant_type": "client_credentials", **client}, headers=at)
    ).status_code == 200
    for position in ("0", "1"):
        assert (await live.http.get(CLIENTS, headers={**live.bearer, MIN: position})).status_code == 200


async def test_a_position_beyond_the_end_of_the_log_is_refused(live: Live):
    for position in ("999999", "9" * 18):
        headers = {**live.bearer, MIN: position}
        for method, path in (("GET", CLIENTS), ("POST", CLIENTS), ("DELETE", CLIENTS)):
            answer = await live.http.request(method, path, json={"m2m": True, "botUserId": "b"}, headers=headers)
            assert "beyond the end" in refused(answer, 400)["detail"]
        form = {"grant_type": "client_credentials", "client_id": live.client_id, "client_secret": live.client_secret}
        answer = await live.http.post("/openid/token", data=form, headers={MIN: position})
        assert "beyond the end" in oauth_error(answer, 400, "invalid_request")


async def test_a_position_that_the_log_never_had_is_refused_and_is_no_failure_of_the_service(live: Live):
    beyond = {"Muniment-Min-Position": "9007199254740991"}
    answer = await live.http.get("/api/v1/auth/clients", headers={**live.bearer, **beyond})
    assert "beyond the end of the log" in refused(answer, 400)["detail"]
    form = {"grant_type": "client_credentials", "client_id": live.client_id, "client_secret": live.client_secret}
    answer = await live.http.post("/openid/token", data=form, headers=beyond)
    assert "beyond the end of the log" in oauth_error(answer, 400, "invalid_request")
