"""Settings: every one, its default, and what is said of each wrong value."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from events.transparency.notes import COSIGNATURE, VerifierKey, verifier_key
from service.configuration.documents import Documents
from service.configuration.environment import decode_master_key
from service.configuration.settings import WrongSettings, read_settings
from service.configuration.upstream import NAMES, STANDARD, Upstream
from service.configuration.webhook import Webhook
from service.configuration.witnesses import Witness
from service.tracing.variables import Traces

KEY = bytes(range(32))
KEY_TEXT = base64.b64encode(KEY).decode()
WITNESS = "witness.example/w1+815cf22e+BC1xFkK3JrBEAWJ8qfusMvXIUw+xkDzE2wIlhxeSGkiB"
URL = "postgresql://muniment:hunter2@db.example/muniment"


def faults(**environment: str) -> list[str]:
    with pytest.raises(WrongSettings) as caught:
        read_settings(environment)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def test_without_any_the_defaults_are_those_of_a_service_of_one_s_own():
    assert structs.asdict(read_settings({})) == {
        "hosts": ("127.0.0.1",),
        "port": 8000,
        "metrics_address": None,
        "data": Path.cwd() / ".muniment",
        "database_url": None,
        "embedded": True,
        "issuer": "http://127.0.0.1:8000",
        "audience": "http://127.0.0.1:8000",
        "master_key": None,
        "token_lifetime": 3600,
        "rate_limit": 600,
        "failed_auth_limit": 30,
        "keep_alive": 75,
        "issuance_retention": 0,
        "verification_hours": 24,
        "trusted_proxies": "",
        "client_certificate_header": None,
        "client_certificates_verified": False,
        "insecure_http_hosts": frozenset(),
        "console_second_factor": False,
        "postgres_bin": None,
        "log_level": "info",
        "log_format": "auto",
        "access_log": False,
        "signed_metadata": False,
        "client_metadata_documents": Documents(),
        "dynamic_registration": "off",
        "unused_registration_days": 90,
        "traces": None,
        "session_lifetime": 1_209_600,
        "pkce_of_all": False,
        "dpop_nonce_required": False,
        "access_token_alg": "ES256",
        "upstream": None,
        "webhook": None,
        "witnesses": (),
        "witness_quorum": 0,
    }


def test_all_of_them_can_be_set(tmp_path):
    given = read_settings(
        {
            "MUNIMENT_HOST": "0.0.0.0, ::1,0.0.0.0",
            "MUNIMENT_KEEP_ALIVE": "5",
            "MUNIMENT_ISSUANCE_RETENTION": "30",
            "MUNIMENT_VERIFICATION_HOURS": "0",
            "PORT": "9000",
            "MUNIMENT_METRICS_ADDRESS": "[::1]:9464",
            "MUNIMENT_DATA": str(tmp_path),
            "MUNIMENT_DATABASE_URL": URL,
            "MUNIMENT_ISSUER": "https://id.example.com/tenant",
            "MUNIMENT_AUDIENCE": "https://api.example.com",
            "MUNIMENT_MASTER_KEY": KEY_TEXT,
            "MUNIMENT_TOKEN_LIFETIME": "60",
            "MUNIMENT_RATE_LIMIT": "0",
            "MUNIMENT_FAILED_AUTH_LIMIT": "1000000",
            "MUNIMENT_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1,2001:db8::/32",
            "MUNIMENT_INSECURE_HTTP_HOSTS": "app",
            "MUNIMENT_POSTGRES_BIN": str(tmp_path),
            "MUNIMENT_LOG_LEVEL": "DEBUG",
            "MUNIMENT_LOG_FORMAT": "JSON",
            "MUNIMENT_ACCESS_LOG": "on",
            "MUNIMENT_SIGNED_METADATA": "on",
            "MUNIMENT_CLIENT_METADATA_DOCUMENTS": "Apps.example.com, localhost",
            "MUNIMENT_DYNAMIC_REGISTRATION": "tokens",
            "MUNIMENT_UNUSED_REGISTRATION_DAYS": "7",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
            "MUNIMENT_SESSION_LIFETIME": "300",
            "MUNIMENT_CONSOLE_SECOND_FACTOR": "required",
            "MUNIMENT_REQUIRE_PKCE": "all",
            "MUNIMENT_DPOP_NONCE": "required",
            "MUNIMENT_CLIENT_CERTIFICATE_HEADER": "X-Forwarded-Client-Cert",
            "MUNIMENT_CLIENT_CERTIFICATES": "verified",
            "MUNIMENT_ACCESS_TOKEN_ALG": "eddsa",
            "MUNIMENT_UPSTREAM_ISSUER": "https://login.example.com",
            "MUNIMENT_UPSTREAM_CLIENT_ID": "muniment",
            "MUNIMENT_UPSTREAM_CLIENT_SECRET": "hunter2",
            "MUNIMENT_UPSTREAM_CLAIMS": "groups=roles  nickname=display_name",
            "MUNIMENT_UPSTREAM_SCOPE": "openid  email roles",
            "MUNIMENT_UPSTREAM_ROLES": "ops=operator  works%20council=auditor ops=auditor cn%3Da,ou%3db=owner 100%25=owner",
            "MUNIMENT_AUDIT_WEBHOOK_URL": "https://siem.example.com/in/?source=muniment",
            "MUNIMENT_AUDIT_WEBHOOK_SECRET": f"whsec_{KEY_TEXT}",
            "MUNIMENT_WITNESSES": f"{WITNESS} https://witness.example/",
            "MUNIMENT_WITNESS_QUORUM": "0",
            "HOME": "/anything/else/is/not/ours",
        }
    )
    assert structs.asdict(given) == {
        "hosts": ("0.0.0.0", "::1"),
        "port": 9000,
        "metrics_address": ("::1", 9464),
        "data": tmp_path,
        "database_url": URL,
        "embedded": False,
        "issuer": "https://id.example.com/tenant",
        "audience": "https://api.example.com",
        "master_key": KEY,
        "token_lifetime": 60,
        "rate_limit": 0,
        "failed_auth_limit": 1_000_000,
        "keep_alive": 5,
        "issuance_retention": 30,
        "verification_hours": 0,
        "trusted_proxies": "10.0.0.0/8, 192.0.2.1,2001:db8::/32",
        "client_certificate_header": "x-forwarded-client-cert",
        "client_certificates_verified": True,
        "insecure_http_hosts": frozenset({"app"}),
        "console_second_factor": True,
        "postgres_bin": tmp_path,
        "log_level": "debug",
        "log_format": "json",
        "access_log": True,
        "signed_metadata": True,
        "client_metadata_documents": Documents(everybody=False, hosts=frozenset({"apps.example.com", "localhost"})),
        "dynamic_registration": "tokens",
        "unused_registration_days": 7,
        "traces": Traces(),
        "session_lifetime": 300,
        "pkce_of_all": True,
        "dpop_nonce_required": True,
        "access_token_alg": "EdDSA",
        "upstream": Upstream(
            issuer="https://login.example.com",
            client_id="muniment",
            client_secret="hunter2",
            claims={**STANDARD, "groups": "roles", "nickname": "display_name"},
            scope="openid email roles",
            roles={
                "ops": ("operator", "auditor"),
                "works council": ("auditor",),
                "cn=a,ou=b": ("owner",),
                "100%": ("owner",),
            },
        ),
        "webhook": Webhook(url="https://siem.example.com/in/?source=muniment", key=KEY),
        "witnesses": (Witness(verifier_key(WITNESS), "https://witness.example"),),
        "witness_quorum": 0,
    }


def test_the_issuer_and_the_audience_follow_the_port():
    given = read_settings({"PORT": "81"})
    assert (given.issuer, given.audience) == ("http://127.0.0.1:81", "http://127.0.0.1:81")


@pytest.mark.parametrize(
    "name", ["PORT", "MUNIMENT_DATA", "MUNIMENT_ISSUER", "MUNIMENT_MASTER_KEY", "MUNIMENT_LOG_LEVEL"]
)
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_setting_is_as_one_left_out(name, empty):
    assert structs.asdict(read_settings({name: empty})) == structs.asdict(read_settings({}))


PORT = "is not a whole number from 1 to 65535."
ADDRESS = "is not an address and a port, such as 127.0.0.1:9464 or [::1]:9464."
ISSUER = "is not a URL with a host and without user, query, fragment or a slash at its end."
HTTPS = (
    "must be https (plain http is for 127.0.0.1, localhost and [::1] only, or a host in MUNIMENT_INSECURE_HTTP_HOSTS)."
)
ORIGIN = "must have its host in lower case, and must not name the default port of its scheme."
KEY_FAULT = "MUNIMENT_MASTER_KEY is not 32 bytes in base64 (its value is not shown); make one: openssl rand -base64 32"
URL_FAULT = (
    "MUNIMENT_DATABASE_URL does not begin with postgresql:// (its value is not shown, for it may hold a password)."
)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        *(
            ("PORT", value, f"PORT={value} {PORT}")
            for value in ("0", "65536", "-1", "+80", "8000.0", "http", "\uff18\uff10")
        ),
        *(
            ("MUNIMENT_METRICS_ADDRESS", value, f"MUNIMENT_METRICS_ADDRESS={value} {ADDRESS}")
            for value in ("9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "[::1]:x")
        ),
        ("MUNIMENT_TOKEN_LIFETIME", "59", "MUNIMENT_TOKEN_LIFETIME=59 is not a whole number from 60 to 86400."),
        ("MUNIMENT_TOKEN_LIFETIME", "86401", "MUNIMENT_TOKEN_LIFETIME=86401 is not a whole number from 60 to 86400."),
        ("MUNIMENT_RATE_LIMIT", "1000001", "MUNIMENT_RATE_LIMIT=1000001 is not a whole number from 0 to 1000000."),
        ("MUNIMENT_FAILED_AUTH_LIMIT", "x", "MUNIMENT_FAILED_AUTH_LIMIT=x is not a whole number from 0 to 1000000."),
        *(
            ("MUNIMENT_ISSUER", value, f"MUNIMENT_ISSUER={value} {ISSUER}")
            for value in (
                "https://",
                "id.example.com",
                "https://id.example.com/",
                "https://id.example.com/?a=b",
                "https://id.example.com#a",
            )
        ),
        ("MUNIMENT_ISSUER", "http://id.example.com[::1]", "MUNIMENT_ISSUER=http://id.example.com[::1] is not a URL."),
        ("MUNIMENT_ISSUER", "https://id.example.com:port", "MUNIMENT_ISSUER=https://id.example.com:port is not a URL."),
        ("MUNIMENT_ISSUER", "https://[::1", "MUNIMENT_ISSUER=https://[::1 is not a URL."),
        ("MUNIMENT_ISSUER", "http://id.example.com", f"MUNIMENT_ISSUER=http://id.example.com {HTTPS}"),
        ("MUNIMENT_ISSUER", "http://127.0.0.1.example.com", f"MUNIMENT_ISSUER=http://127.0.0.1.example.com {HTTPS}"),
        ("MUNIMENT_ISSUER", "ftp://id.example.com", f"MUNIMENT_ISSUER=ftp://id.example.com {HTTPS}"),
        *(
            ("MUNIMENT_ISSUER", value, f"MUNIMENT_ISSUER={value} {ORIGIN}")
            for value in ("https://Id.example.com", "https://id.example.com:443/tenant", "http://localhost:80")
        ),
        *(
            ("MUNIMENT_MASTER_KEY", value, KEY_FAULT)
            for value in (
                "hunter2",
                base64.b64encode(b"k" * 31).decode(),
                base64.b64encode(b"k" * 33).decode(),
                KEY.hex(),
                "é" * 43,
            )
        ),
        *(
            ("MUNIMENT_DATABASE_URL", value, URL_FAULT)
            for value in ("mysql://u:hunter2@db/m", "db.example", "postgresql+asyncpg://u:hunter2@db/m")
        ),
        (
            "MUNIMENT_TRUSTED_PROXIES",
            "10.0.0.0/8,proxy",
            "MUNIMENT_TRUSTED_PROXIES: proxy is not an address or a network such as 10.0.0.0/8.",
        ),
        (
            "MUNIMENT_TRUSTED_PROXIES",
            "*",
            "MUNIMENT_TRUSTED_PROXIES: * is not an address or a network such as 10.0.0.0/8.",
        ),
        ("MUNIMENT_POSTGRES_BIN", "/nonexistent", "MUNIMENT_POSTGRES_BIN=/nonexistent is not a directory."),
        ("MUNIMENT_ACCESS_TOKEN_ALG", "none", "MUNIMENT_ACCESS_TOKEN_ALG=none is none of ES256, RS256, EdDSA."),
        ("MUNIMENT_REQUIRE_PKCE", "yes", "MUNIMENT_REQUIRE_PKCE=yes is none of public, all."),
        (
            "MUNIMENT_CLIENT_CERTIFICATE_HEADER",
            "x-cert",
            "MUNIMENT_CLIENT_CERTIFICATE_HEADER is none of: client-cert, x-forwarded-client-cert, x-ssl-client-cert.",
        ),
        (
            "MUNIMENT_CLIENT_CERTIFICATE_HEADER",
            "client-cert",
            "MUNIMENT_CLIENT_CERTIFICATE_HEADER needs MUNIMENT_TRUSTED_PROXIES: only a proxy may say which certificate a client has.",
        ),
        (
            "MUNIMENT_CLIENT_CERTIFICATES",
            "yes",
            "MUNIMENT_CLIENT_CERTIFICATES=yes is none of unverified, verified.",
        ),
        ("MUNIMENT_DPOP_NONCE", "yes", "MUNIMENT_DPOP_NONCE=yes is none of optional, required."),
        ("MUNIMENT_LOG_LEVEL", "loud", "MUNIMENT_LOG_LEVEL=loud is none of debug, info, warning, error."),
        ("MUNIMENT_WITNESS_QUORUM", "1", "MUNIMENT_WITNESS_QUORUM=1 is not a whole number from 0 to 0."),
        (
            "MUNIMENT_WITNESSES",
            "https://witness.example",
            "MUNIMENT_WITNESSES has https://witness.example, which is not a verifier key, a space and a URL.",
        ),
        (
            "MUNIMENT_ISUER",
            "https://id.example.com",
            "MUNIMENT_ISUER is not a setting of Muniment; docs/configuration.md lists the settings.",
        ),
    ],
    ids=lambda value: value[:40],
)
def test_a_wrong_value_is_refused_with_a_sentence(name, value, said):
    environment = {name: value}
    if name == "MUNIMENT_DATABASE_URL":
        environment["MUNIMENT_MASTER_KEY"] = KEY_TEXT
    assert faults(**environment) == [said]


OF_KUBERNETES = {
    "MUNIMENT_PORT": "tcp://10.0.0.1:8000",
    "MUNIMENT_SERVICE_HOST": "10.0.0.1",
    "MUNIMENT_SERVICE_PORT": "8000",
    "MUNIMENT_SERVICE_PORT_HTTP": "8000",
    "MUNIMENT_PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "MUNIMENT_PORT_8000_TCP_PROTO": "tcp",
    "MUNIMENT_PORT_8000_TCP_PORT": "8000",
    "MUNIMENT_PORT_8000_TCP_ADDR": "10.0.0.1",
    "MUNIMENT_POSTGRES_SERVICE_HOST": "10.0.0.2",
    "MUNIMENT_POSTGRES_PORT": "tcp://10.0.0.2:5432",
    "MUNIMENT_POSTGRES_PORT_5432_TCP_ADDR": "10.0.0.2",
    "MUNIMENT_DNS_PORT_53_UDP": "udp://10.0.0.3:53",
}


def test_what_kubernetes_says_of_a_service_named_muniment_is_no_setting():
    assert structs.asdict(read_settings(OF_KUBERNETES)) == structs.asdict(read_settings({}))


def test_metrics_without_a_host_are_shown_on_every_address():
    assert read_settings({"MUNIMENT_METRICS_ADDRESS": ":9464"}).metrics_address == ("::", 9464)


def test_what_only_looks_like_it_is_a_setting_that_somebody_got_wrong():
    assert faults(MUNIMENT_PORT="8000") == [
        "MUNIMENT_PORT is not a setting of Muniment; PORT is; docs/configuration.md lists the settings."
    ]
    assert len(faults(MUNIMENT_SERVICE_PORT="tcp", MUNIMENT_PORT_TCP="1", MUNIMENT_SERVICE="x")) == 3


def test_a_certificate_of_the_database_that_is_not_there_is_named(tmp_path):
    (tmp_path / "there").touch()
    given = {"MUNIMENT_MASTER_KEY": KEY_TEXT, "PGSSLROOTCERT": str(tmp_path / "there")}
    missing = str(tmp_path / "missing")
    read_settings({**given, "MUNIMENT_DATABASE_URL": f"{URL}?sslrootcert={tmp_path / 'there'}"})
    said = faults(**{**given, "PGSSLCERT": missing, "MUNIMENT_DATABASE_URL": f"{URL}?sslrootcert={missing}"})
    assert said == [
        f"MUNIMENT_DATABASE_URL: sslrootcert={missing} cannot be read: No such file or directory.",
        f"PGSSLCERT={missing} cannot be read: No such file or directory.",
    ]


def test_a_number_of_any_length_is_refused_with_a_sentence():
    assert faults(PORT="1" * 5000) == [f"PORT={'1' * 5000} {PORT}"]


@pytest.mark.parametrize(
    "issuer",
    [
        "https://id.example.com?",
        "https://id.example.com#",
        "https://user:hunter2@id.example.com",
        "https://:hunter2@id.example.com",
        "https://id.exa mple.com",
        "https://id.exa\nmple.com",
        "https://id.example.com/\\",
        'https://id.example.com/"',
        "https://idé.example.com",
    ],
)
def test_an_issuer_that_is_no_plain_url_is_refused_and_its_password_is_not_shown(issuer):
    [fault] = faults(MUNIMENT_ISSUER=issuer)
    assert "hunter2" not in fault


@pytest.mark.parametrize("url", ["postgresql://[db/m?password=hunter2", "postgres://u:hunter2@[/m"])
def test_a_database_url_that_is_no_url_is_refused_and_not_shown(url):
    [fault] = faults(MUNIMENT_DATABASE_URL=url, MUNIMENT_MASTER_KEY=KEY_TEXT)
    assert fault.startswith("MUNIMENT_DATABASE_URL")
    assert "hunter2" not in fault


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:1", "http://localhost", "http://[::1]:8000", "https://id.example.com/a/b"]
)
def test_these_are_issuers(issuer):
    assert read_settings({"MUNIMENT_ISSUER": issuer}).issuer == issuer


def test_all_faults_are_named_at_once():
    given = faults(
        PORT="0", MUNIMENT_ISSUER="x", MUNIMENT_LOG_LEVEL="y", MUNIMENT_DATABASE_URL=URL, MUNIMENT_Z="1", MUNIMENT_A=""
    )
    assert [fault.split(" ")[0].split("=")[0] for fault in given] == [
        "PORT",
        "MUNIMENT_ISSUER",
        "MUNIMENT_MASTER_KEY",
        "MUNIMENT_LOG_LEVEL",
        "MUNIMENT_A",
        "MUNIMENT_Z",
    ]


def test_with_a_database_of_one_s_own_the_master_key_is_required_except_where_it_is_not_used():
    required = "MUNIMENT_MASTER_KEY is required with MUNIMENT_DATABASE_URL; make one: openssl rand -base64 32"
    assert faults(MUNIMENT_DATABASE_URL=URL) == [required]
    assert read_settings({"MUNIMENT_DATABASE_URL": URL}, needs_key=False).master_key is None


def test_no_secret_is_in_a_fault_or_in_the_repr():
    other = base64.b64encode(b"0" * 31).decode()
    assert not any(
        secret in fault for fault in faults(MUNIMENT_MASTER_KEY=other, PORT="0") for secret in (other, "hunter2")
    )
    given = read_settings({"MUNIMENT_DATABASE_URL": URL, "MUNIMENT_MASTER_KEY": KEY_TEXT})
    for shown in (repr(given), str(given), f"{given}"):
        assert "hunter2" not in shown
        assert KEY_TEXT not in shown
        assert repr(KEY) not in shown


@pytest.mark.parametrize("text", [KEY_TEXT, KEY_TEXT.rstrip("="), base64.urlsafe_b64encode(b"\xff" * 32).decode()])
def test_a_master_key_may_be_base64_or_base64url_with_or_without_padding(text):
    key = read_settings({"MUNIMENT_MASTER_KEY": text}).master_key
    assert key in (KEY, b"\xff" * 32)


@pytest.mark.parametrize("text", ["", "=", "a", "\u00e9", "A" * 42, "A" * 44, "A" * 10_000, "!" * 43, "A A" * 14 + "A"])
def test_what_is_no_master_key_is_none(text):
    assert decode_master_key(text) is None


def test_settings_are_read_before_anything_else_is_loaded():
    """`muniment` says what is wrong with a setting without waiting for a web framework."""
    program = "import sys, service.configuration.settings; print(*sorted({'starlette', 'sqlalchemy', 'authlib', 'asyncpg'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout == "\n"


UPSTREAM = {
    "MUNIMENT_UPSTREAM_ISSUER": "https://login.example.com/",
    "MUNIMENT_UPSTREAM_CLIENT_ID": "muniment",
    "MUNIMENT_UPSTREAM_CLIENT_SECRET": "hunter2",
}


@pytest.mark.parametrize(("number", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_more_than_half_of_the_witnesses_are_a_quorum_unless_it_is_set(number, quorum):
    keys = [VerifierKey(f"w{n}", COSIGNATURE, b"k" * 32) for n in range(number)]
    named = {"MUNIMENT_WITNESSES": ",".join(f"{key} https://w.example" for key in keys)}
    given = read_settings(named)
    assert (given.quorum.keys, given.quorum.least) == (tuple(keys), quorum)
    assert read_settings({**named, "MUNIMENT_WITNESS_QUORUM": str(number)}).quorum.least == number
    assert faults(**named, MUNIMENT_WITNESS_QUORUM=str(number + 1))


def test_an_upstream_provider_is_three_settings_and_shows_no_secret():
    settings = read_settings(UPSTREAM)
    assert settings.upstream is not None
    assert settings.upstream == Upstream(
        issuer="https://login.example.com/",
        client_id="muniment",
        client_secret="hunter2",
        claims={name: name for name in NAMES if name != "groups"},
        scope="openid profile email",
    )
    assert settings.upstream.host == "login.example.com"
    assert "hunter2" not in repr(settings.upstream) + repr(settings)


@pytest.mark.parametrize(
    ("setting", "text", "said"),
    [
        (
            "CLAIMS",
            "groups",
            "has groups, which is not of the form groups=roles: a name, and the provider's claim for it.",
        ),
        ("CLAIMS", "groups=", "has groups=, which is not of the form groups=roles: "),
        ("CLAIMS", "group=roles", "has group=roles, but group is none of email, email_verified, name, "),
        ("CLAIMS", "groups=a groups=b", "names two claims for groups; name one."),
        (
            "SCOPE",
            "profile email",
            "=profile email does not have openid, without which the provider does not identify the user",
        ),
        ("SCOPE", 'openid "groups"', '=openid "groups" has "groups", which is not a scope (RFC 6749 section 3.3).'),
    ],
)
def test_what_is_asked_and_taken_of_an_upstream_provider_is_checked(setting, text, said):
    (fault,) = faults(**UPSTREAM, **{f"MUNIMENT_UPSTREAM_{setting}": text})
    assert fault.startswith(f"MUNIMENT_UPSTREAM_{setting}")
    assert said in fault


WITH_GROUPS = {**UPSTREAM, "MUNIMENT_UPSTREAM_CLAIMS": "groups=groups"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ops", "has ops, which is not of the form admins=operator: a group at the provider, and the role that it"),
        ("ops=", "has ops=, which is not of the form admins=operator: "),
        ("=operator", "has =operator, which is not of the form admins=operator: "),
        ("operator=ops", "has operator=ops, but ops is none of operator, auditor, owner."),
        ("ops=Operator", "has ops=Operator, but Operator is none of "),
        ("ops=operator,audit=auditor", "where = stands more than once; write %3D for one in"),
        ("a%2=owner", "has a%2=owner, where a % is not followed by two hexadecimal digits; write %25 for a %"),
        ("%20ops=owner", "has %20ops=owner, a group that no user can have: its name must have 1 to 100 characters"),
        (f"{'a' * 101}=owner", "a group that no user can have: "),
        ("ops=owner ops=owner", "has ops=owner twice."),
    ],
)
def test_each_role_of_a_group_is_checked(text, said):
    (fault,) = faults(**WITH_GROUPS, MUNIMENT_UPSTREAM_ROLES=text)
    assert fault.startswith("MUNIMENT_UPSTREAM_ROLES has ")
    assert said in fault


def test_every_fault_of_the_roles_of_groups_is_named_at_once():
    assert len(faults(**WITH_GROUPS, MUNIMENT_UPSTREAM_ROLES="ops a=king b=owner c%=owner")) == 3


def test_no_group_brings_a_role_where_no_groups_are_known():
    (fault,) = faults(**UPSTREAM, MUNIMENT_UPSTREAM_ROLES="ops=operator")
    assert fault.startswith(
        "MUNIMENT_UPSTREAM_ROLES is set, but no groups are known: MUNIMENT_UPSTREAM_CLAIMS must name"
    )


def test_groups_bring_each_of_their_roles_once_and_other_groups_none():
    upstream = read_settings(
        {**WITH_GROUPS, "MUNIMENT_UPSTREAM_ROLES": "a=owner b=auditor b=owner c=operator"}
    ).upstream
    assert upstream is not None
    assert upstream.roles_of(["a", "b", "d"]) == ("auditor", "owner")
    assert upstream.roles_of(["A", "d"]) == ()


@pytest.mark.parametrize(
    ("setting", "text"), [("CLAIMS", "groups=roles"), ("SCOPE", "openid"), ("ROLES", "ops=operator")]
)
def test_without_an_upstream_provider_nothing_is_asked_or_taken_of_it(setting, text):
    (fault,) = faults(**{f"MUNIMENT_UPSTREAM_{setting}": text})
    assert fault.startswith(f"MUNIMENT_UPSTREAM_{setting} is set without an upstream OpenID Provider; set MUNIMENT_UP")


@pytest.mark.parametrize("missing", UPSTREAM)
def test_an_upstream_provider_is_all_three_settings_or_none(missing):
    said = faults(**{name: text for name, text in UPSTREAM.items() if name != missing})
    assert said == [f"{missing} is missing; the three settings of the upstream OpenID Provider go together."]


@pytest.mark.parametrize("issuer", ["http://login.example.com", "login.example.com", "https://login.example.com/?x=1"])
def test_an_upstream_issuer_is_a_url_of_https(issuer):
    (said,) = faults(**{**UPSTREAM, "MUNIMENT_UPSTREAM_ISSUER": issuer})
    assert said.startswith(f"MUNIMENT_UPSTREAM_ISSUER={issuer} ")


def test_an_issuer_in_a_cluster_may_be_plain_http_where_its_host_is_named():
    given = read_settings(
        {"MUNIMENT_ISSUER": "http://muniment:8000", "MUNIMENT_INSECURE_HTTP_HOSTS": "muniment, App.internal"}
    )
    assert (given.issuer, given.insecure_http_hosts) == ("http://muniment:8000", {"muniment", "app.internal"})
    assert "MUNIMENT_INSECURE_HTTP_HOSTS" in faults(MUNIMENT_ISSUER="http://muniment:8000")[0]


def test_a_host_that_may_be_reached_by_plain_http_is_named_without_scheme_and_port():
    said = faults(MUNIMENT_INSECURE_HTTP_HOSTS="http://app:3000,app:3000,good")
    assert [line.split(" ")[1] for line in said] == ["app:3000", "http://app:3000"]


@pytest.mark.parametrize("path", ["//tenant", "/a//b", "/a/../b", "/./a"])
def test_an_issuer_whose_path_others_would_shorten_is_refused(path: str):
    assert "in its path" in faults(MUNIMENT_ISSUER=f"https://id.example.com{path}")[0]


@pytest.mark.parametrize(
    ("url", "secret", "said"),
    [
        ("https://siem.example.com", "", "MUNIMENT_AUDIT_WEBHOOK_SECRET is missing"),
        ("", f"whsec_{KEY_TEXT}", "MUNIMENT_AUDIT_WEBHOOK_URL is missing"),
        ("http://siem.example.com/t0ken", f"whsec_{KEY_TEXT}", "MUNIMENT_AUDIT_WEBHOOK_URL must be https"),
        ("https://siem.example.com/?t0ken#x", f"whsec_{KEY_TEXT}", "without fragment"),
        ("https://siem.example.com/t0ken", KEY_TEXT, "is not whsec_ and 24 to 64 bytes"),
        ("https://siem.example.com/t0ken", "whsec_c2hvcnQ=", "is not whsec_ and 24 to 64 bytes"),
        ("https://siem.example.com/t0ken", "whsec_%", "is not whsec_ and 24 to 64 bytes"),
    ],
)
def test_a_webhook_that_cannot_be_used_is_refused_without_its_secrets(url: str, secret: str, said: str):
    (fault,) = faults(MUNIMENT_AUDIT_WEBHOOK_URL=url, MUNIMENT_AUDIT_WEBHOOK_SECRET=secret)
    assert said in fault
    assert "t0ken" not in fault
    assert KEY_TEXT not in fault


def test_the_repr_of_a_webhook_shows_its_host_alone():
    shown = repr(Webhook(url="https://siem.example.com/t0ken", key=KEY))
    assert shown == "Webhook(host='siem.example.com')"


@pytest.mark.parametrize("days", ["29", "36501", "-1", "1.5", "ten"])
def test_tokens_stay_for_thirty_days_or_more(days: str):
    (fault,) = faults(MUNIMENT_ISSUANCE_RETENTION=days)
    assert "neither 0 (tokens stay for ever) nor a whole number of days from 30 to 36500" in fault


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("", Documents()),
        ("ALL", Documents()),
        ("off", Documents(everybody=False)),
        ("all, tools.internal", Documents(hosts=frozenset({"tools.internal"}))),
        ("::1,", Documents(everybody=False, hosts=frozenset({"::1"}))),
    ],
)
def test_documents_are_of_everybody_of_some_hosts_or_of_none(text, documents):
    assert read_settings({"MUNIMENT_CLIENT_METADATA_DOCUMENTS": text}).client_metadata_documents == documents


@pytest.mark.parametrize("text", ["off, all", "https://a.example", "a.example:443", "*.a.example"])
def test_a_host_of_documents_is_a_name_alone(text):
    (said,) = faults(MUNIMENT_CLIENT_METADATA_DOCUMENTS=text)
    assert said.startswith("MUNIMENT_CLIENT_METADATA_DOCUMENTS ")
