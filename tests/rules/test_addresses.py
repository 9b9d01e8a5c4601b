"""Which hosts somebody else may have this server speak to."""

from ipaddress import ip_address

import pytest

from service.network.addresses import is_inside, is_local

LOCAL = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "239.1.1.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:ffff::1", "::ffff:0:127.0.0.1", "fec0::1",
    "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "240.0.0.1", "255.255.255.255",
    "100::1", "100:0:0:1::1", "2001::1", "2001:2::1", "2001:db8::1", "3fff::1", "5f00::1", "ff0e::1",
]  # fmt: skip
ELSEWHERE = [
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "fd00::1",
    "93.184.215.14",
    "2606:4700::1",
    "64:ff9b::5db8:d70e",
    "2002:5db8:d70e::1",
    "::ffff:0:10.1.2.3",
    "2002:0a00:1::",
    "100.64.0.1",
    "2001:4860::1",
    "198.20.0.1",
]


@pytest.mark.parametrize("text", LOCAL)
def test_this_machine_and_its_link_are_local(text: str):
    assert is_local(ip_address(text))


@pytest.mark.parametrize("text", ELSEWHERE)
def test_private_and_public_networks_are_not(text: str):
    assert not is_local(ip_address(text))


@pytest.mark.parametrize(
    "host",
    ["127.1", "2130706433", "0x7f000001", "127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "[fd00::1]",
     "::ffff:10.0.0.1", "localhost", "LOCALHOST.", "x.localhost"],
)  # fmt: skip
def test_a_host_inside_of_a_network_is_known_by_how_it_is_written(host: str):
    assert is_inside(host)


@pytest.mark.parametrize("host", ["op.example", "93.184.215.14", "2606:4700::1", "localhost.example", ""])
def test_other_hosts_are_not_inside(host: str):
    assert not is_inside(host)
