"""A database URL: what users of libpq paste works, or is refused by name, and no fault shows what may be a password."""

import pytest

from events.database_url import WrongUrl, parsed

SOCKETS = "postgresql:///m?host=/a,/b&port=1,2"


def urls(url: str) -> list[str]:
    return [host.url.removeprefix("postgresql://").partition("?")[0] for host in parsed(url).hosts]


def query(url: str) -> list[set[str]]:
    told = [set(host.url.partition("?")[2].split("&")) for host in parsed(url).hosts]
    return [each - {"application_name=muniment"} for each in told]


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://u:p%40%2F@db.example/m", ["u:p%40%2F@db.example/m"]),
        ("postgres://u@db:5433/m", ["postgres://u@db:5433/m"]),
        ("postgresql://u@a:1,b:2/m", ["u@a:1/m", "u@b:2/m"]),
        ("postgresql://u@a,[::1]:3/m", ["u@a/m", "u@[::1]:3/m"]),
        ("postgresql://a,b/m?port=5433", ["a:5433/m", "b:5433/m"]),
        ("postgresql://a,b/m?port=1,2", ["a:1/m", "b:2/m"]),
        ("postgresql://u@/m?host=a,b", ["u@a/m", "u@b/m"]),
        ("postgresql://%2Fvar%2Frun/m", ["/m"]),
        (SOCKETS, ["/m", "/m"]),
        ("postgresql:///m", ["/m"]),
    ],
)
def test_each_host_is_a_url_of_its_own(url: str, hosts: list[str]):
    assert urls(url) == hosts


def test_sockets_stay_in_the_query_each_with_its_port():
    assert [each - {"target_session_attrs=primary"} for each in query(SOCKETS)] == [
        {"host=%2Fa", "port=1"},
        {"host=%2Fb", "port=2"},
    ]


@pytest.mark.parametrize(
    "moot",
    [
        "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3&tcp_user_timeout=1000",
        "channel_binding=prefer&gssencmode=disable&sslsni=1&sslcompression=0&load_balance_hosts=disable",
        "connect_timeout=10&client_encoding=UTF8&fallback_application_name=x",
    ],
)
def test_what_changes_nothing_here_is_left_out_for_the_driver_would_send_it_to_the_server_as_a_setting(moot: str):
    assert query(f"postgresql://db/m?{moot}&sslmode=require") == [{"sslmode=require"}]


def test_options_and_a_name_of_one_s_own_go_to_the_server():
    [host] = parsed("postgresql://db/m?options=-c%20geqo%3Doff&application_name=mine").hosts
    assert host.url == "postgresql://db/m?application_name=mine&options=-c%20geqo%3Doff"


@pytest.mark.parametrize("more", ["", "?target_session_attrs=any", "?target_session_attrs=primary"])
def test_of_several_hosts_the_primary_is_looked_for(more: str):
    assert query(f"postgresql://a,b/m{more}") == [{"target_session_attrs=primary"}] * 2


def test_one_host_may_be_a_standby_for_the_commands_that_only_read():
    assert query("postgresql://a/m") == [set[str]()]


def test_a_timeout_is_for_each_host_and_none_is_no_timeout_of_its_own():
    assert parsed("postgresql://a,b/m?connect_timeout=3").timeout == 3
    assert parsed("postgresql://a/m?connect_timeout=0").timeout is None
    assert parsed("postgresql://a/m").timeout is None


def test_the_authorities_that_the_machine_trusts_can_be_named():
    named = parsed("postgresql://a/m?sslrootcert=system&sslmode=verify-full")
    assert (named.trusts_system, dict(named.files)) == (True, {})
    assert "ssl" not in named.hosts[0].url
    assert dict(parsed("postgresql://a/m?sslrootcert=/x.pem&sslcert=/y").files) == {
        "sslrootcert": "/x.pem",
        "sslcert": "/y",
    }


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("channel_binding=require", "channel_binding"),
        ("hostaddr=10.0.0.1", "the parameter hostaddr, which Muniment does not support: write the address as the host"),
        ("load_balance_hosts=random", "load_balance_hosts"),
        ("pgbouncer=true", "the parameter pgbouncer"),
        ("target_session_attrs=prefer-standby", "target_session_attrs that is none of any, primary, read-write"),
        ("sslmode=on", "sslmode that is none of disable, allow"),
        ("sslrootcert=system&sslmode=require", "goes with sslmode=verify-full"),
        ("connect_timeout=soon", "connect_timeout"),
        ("client_encoding=LATIN1", "client_encoding"),
        ("PASS%20word=1", "a parameter with an invalid name"),
    ],
)
def test_what_does_not_work_is_refused_by_name(more: str, said: str):
    with pytest.raises(WrongUrl) as caught:
        parsed(f"postgresql://u:hunter2@db/m?{more}")
    [fault] = caught.value.faults
    assert said in fault
    assert "hunter2" not in fault


def test_every_fault_is_named_at_once():
    with pytest.raises(WrongUrl) as caught:
        parsed("postgresql://db/m?channel_binding=require&pool_size=3&sslmode=on")
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:hunter2@db/m", "does not begin with postgresql://"),
        ("postgresql://u:hunter2@[/m", "is not a URL"),
        ("postgresql://u:hunter2@db/m?sslmode", "is not a URL"),
        ("postgresql://u:hunter2@db:port/m", "has an invalid port"),
        ("postgresql://u:hunter2@db:0/m", "has an invalid port"),
        ("postgresql://u:hunter2@a:1,b:70000/m", "has an invalid port"),
        ("postgresql://u:hunter2@a,,b/m", "has an empty host in its list"),
        ("postgresql://u:hunter2@a,b,c/m?port=1,2", "has 3 hosts and 2 ports"),
        ("postgresql://u:hunter2@a]b/m", "is not a URL"),
    ],
)
def test_a_url_that_is_none_is_refused_without_what_may_be_a_password(url: str, said: str):
    with pytest.raises(WrongUrl) as caught:
        parsed(url)
    assert caught.value.faults == (said,)
