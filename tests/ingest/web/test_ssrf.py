import ipaddress
from collections.abc import Sequence

import pytest

from ingest.errors import FetchError, ForbiddenError
from ingest.foundation.errors import SettingsError
from ingest.web.ssrf import PIN_S, WEB_PORTS, AddressGuard, is_public, proxy_for

pytestmark = pytest.mark.anyio

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Names:
    """A resolver with a few names that notes its calls."""

    def __init__(self, **book: list[str]) -> None:
        self.book = {
            host if "." in host else host.replace("_", "."): found for host, found in book.items()
        }
        self.calls: list[str] = []

    async def __call__(self, host: str) -> Sequence[str]:
        self.calls.append(host)
        if host not in self.book:
            raise OSError("no such name")
        return self.book[host]


PUBLIC = Names(
    example_com=["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
    rebind_test=["93.184.215.14", "127.0.0.1"],
    **{"my_host.example.net": ["93.184.215.14"], "xn--fsqu00a.xn--0zwm56d": ["93.184.215.14"]},
    mapped_test=["::ffff:10.0.0.1"],
    scoped_test=["fe80::1%eth0"],
    wiki_corp=["10.0.0.3"],
    keys_corp=["169.254.169.254"],
    mixed_corp=["10.1.0.9", "10.2.0.9"],
)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.01/",
        "http://１２７.０.０.１/",
        "http://127。0。0。1/",
        "http://0/",
        "http://0.0.0.0/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.100.100.200/",
        "http://100.64.0.1/",
        "http://168.63.129.16/",
        "http://192.0.0.192/",
        "http://192.0.2.1/",
        "http://198.18.0.1/",
        "http://224.0.0.1/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://[::]/",
        "http://[::1]/",
        "http://[::127.0.0.1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:0:127.0.0.1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[64:ff9b:1::8.8.8.8]/",
        "http://[2002:7f00:1::]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[2001:0:4136:e378:8000:5efe:808:808]/",
        "http://[::8.8.8.8]/",
        "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        "http://[2606:4700::5efe:10.0.0.1]/",
        "http://[fe80::1]/",
        "http://[fec0::1]/",
        "http://[fc00::1]/",
        "http://[fd00:ec2::254]/",
        "http://[ff02::1]/",
        "http://[2001:db8::1]/",
        "http://[3fff::1]/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
        "http://ip6-loopback/",
        "http://router/",
        "http://printer.local/",
        "http://nas.lan/",
        "http://metadata.google.internal/",
        "http://metadata.tencentyun.com/",
        "http://rebind.test/",
        "http://mapped.test/",
        "http://scoped.test/",
        "file:///etc/passwd",
        "ftp://example.com/",
        "data:text/html,hi",
        "gopher://example.com/",
        "//example.com/",
        "",
        "http://user:secret@example.com/",
        "http://user@example.com/",
        "http://example.com:22/",
        "http://example.com:6379/",
        "https://example.com:65535/",
    ],
)
async def test_what_is_not_the_public_web_is_forbidden(url: str) -> None:
    with pytest.raises(ForbiddenError) as caught:
        await AddressGuard(resolve=PUBLIC).check(url)
    assert caught.value.reason == "address"
    assert caught.value.message.localize("zh")
    assert "\n" not in caught.value.localize("en")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "http://1.1.1.1/",
        "http://[2606:4700:4700::1111]/",
        "http://[64:ff9b::8.8.8.8]/",
        "http://[::ffff:8.8.8.8]/",
        "http://[2002:808:808::]/",
        "http://[2606:4700::a9fe:a9fe]/",
        "http://example.com:8080/",
        "https://EXAMPLE.com.:8443/",
        "https://my_host.example.net/",
        "https://例子.测试/",
    ],
)
async def test_the_public_web_is_open(url: str) -> None:
    await AddressGuard(resolve=PUBLIC).check(url)


METADATA = [
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://169.254.170.2/v2/credentials",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b:1::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[fe80::5efe:169.254.169.254]/",
    "http://[2001:0:4136:e378:8000:63bf:5601:5601]/",
    "http://[fd00:ec2::254]/",
    "http://[fd20:ce::254]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://metadata.google.internal/",
    "http://METADATA.google.internal./",
    "http://metadata/",
    "http://metadata.tencentyun.com/",
]
ALL_OPEN = frozenset(
    {"0.0.0.0/0", "::/0", "100.100.100.200", "keys.corp", "metadata", "metadata.google.internal"}
)


@pytest.mark.parametrize("proxied", [False, True])
@pytest.mark.parametrize("url", METADATA)
async def test_metadata_stays_closed_though_it_is_allowed_or_behind_a_proxy(
    url: str, proxied: bool
) -> None:
    with pytest.raises(ForbiddenError, match="keys"):
        await AddressGuard(allowed_hosts=ALL_OPEN, proxied=proxied, resolve=PUBLIC).check(url)


async def test_an_allowed_name_that_leads_to_metadata_stays_closed() -> None:
    with pytest.raises(ForbiddenError, match="keys"):
        await AddressGuard(allowed_hosts=ALL_OPEN, resolve=PUBLIC).check("http://keys.corp/")


async def test_what_was_checked_is_returned_so_that_a_connection_can_be_pinned() -> None:
    found = await AddressGuard(resolve=PUBLIC).addresses("https://example.com/")
    assert [str(address) for address in found] == PUBLIC.book["example.com"]


async def test_from_the_check_to_the_connection_a_name_keeps_its_addresses() -> None:
    now = 0.0
    names = Names(a_test=["93.184.215.14"])
    guard = AddressGuard(resolve=names, clock=lambda: now)
    first = await guard.addresses("https://a.test/")
    names.book["a.test"] = ["127.0.0.1"]
    now = PIN_S - 1
    assert await guard.addresses("https://a.test:8443/x", direct=True) == first
    assert names.calls == ["a.test"]
    now = PIN_S + 1
    with pytest.raises(ForbiddenError):
        await guard.addresses("https://a.test/")


async def test_hosts_of_the_users_own_network_open_one_by_one() -> None:
    guard = AddressGuard(
        allowed_hosts=frozenset({"Wiki.Corp", "10.0.0.7", "[fd00::7]"}), resolve=PUBLIC
    )
    for url in ("http://wiki.corp/", "http://10.0.0.7:8080/x", "http://[fd00:0::7]/"):
        await guard.check(url)
    for url in (
        "http://other.corp/",
        "http://10.0.0.8/",
        "http://x.wiki.corp/",
        "file://10.0.0.7/",
    ):
        with pytest.raises(ForbiddenError):
            await guard.check(url)


@pytest.mark.parametrize(
    ("entry", "opened", "closed"),
    [
        ("wiki.corp:8090", ["http://wiki.corp:8090/"], ["http://wiki.corp/", "http://10.0.0.3/"]),
        ("10.0.0.7:80", ["http://10.0.0.7/"], ["https://10.0.0.7/", "http://10.0.0.7:8080/"]),
        ("[fd00::7]:90", ["http://[fd00::7]:90/"], ["http://[fd00::7]/"]),
        ("fd00::7", ["http://[fd00::7]:90/"], ["http://[fd00::8]/"]),
        ("10.0.0.0/8", ["http://10.9.9.9/", "http://wiki.corp:8080/", "http://mixed.corp/"],
         ["http://10.9.9.9:5432/", "http://192.168.0.1/", "http://wiki.corp:22/"]),
        ("10.1.0.0/16", ["http://10.1.2.3/", "https://example.com/"],
         ["http://10.2.0.1/", "http://mixed.corp/", "http://wiki.corp/"]),
    ],
)  # fmt: skip
async def test_one_port_or_a_whole_network_can_be_opened(
    entry: str, opened: list[str], closed: list[str]
) -> None:
    guard = AddressGuard(allowed_hosts=frozenset({entry}), resolve=PUBLIC)
    for url in opened:
        assert await guard.addresses(url)
    for url in closed:
        with pytest.raises(ForbiddenError) as caught:
            await guard.check(url)
        assert "allowed_hosts" in caught.value.localize("en")
        assert "allowed_hosts" in caught.value.localize("zh")


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "http://wiki.corp/", "a b", "", "wiki/corp"])
def test_an_entry_that_opens_nothing_is_named(entry: str) -> None:
    with pytest.raises(SettingsError, match="allowed_hosts"):
        AddressGuard(allowed_hosts=frozenset({entry}))


async def test_other_ports_can_be_allowed() -> None:
    guard = AddressGuard(allowed_ports=WEB_PORTS | {9090}, resolve=PUBLIC)
    await guard.check("https://example.com:9090/")
    with pytest.raises(ForbiddenError):
        await guard.check("https://example.com:9091/")


async def test_a_name_without_address_is_unreachable_and_not_forbidden() -> None:
    with pytest.raises(FetchError) as caught:
        await AddressGuard(resolve=PUBLIC).check("https://nosuch.test/")
    assert caught.value.reason == "unreachable"


async def test_behind_a_proxy_nothing_is_looked_up_and_the_other_rules_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(direct_test=["93.184.215.14"])
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "direct.test")
    guard = AddressGuard(resolve=names)
    await guard.check("https://somewhere.test/")
    assert names.calls == []
    for url in ("https://127.0.0.1/", "https://localhost/", "https://router/"):
        with pytest.raises(ForbiddenError):
            await guard.check(url)
    await guard.check("https://direct.test/")
    assert names.calls == ["direct.test"]


async def test_a_guard_behind_a_proxy_for_everything_looks_nothing_up() -> None:
    names = Names()
    await AddressGuard(proxied=True, resolve=names).check("https://somewhere.test/")
    assert names.calls == []


def test_the_environment_names_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for("https://a.test/") is None
    monkeypatch.setenv("HTTPS_PROXY", "proxy.test:1")
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.test:2")
    monkeypatch.setenv("NO_PROXY", "localhost,.b.test")
    assert proxy_for("https://a.test/") == "http://proxy.test:1"
    assert proxy_for("http://a.test/") == "socks5://proxy.test:2"
    assert proxy_for("https://x.b.test/") is None
    monkeypatch.setenv("NO_PROXY", "*")
    assert proxy_for("https://a.test/") is None


def test_neighbours_of_private_ranges_are_public() -> None:
    for text in ("9.255.255.255", "11.0.0.0", "172.32.0.0", "192.167.255.255", "100.128.0.0"):
        assert is_public(ipaddress.ip_address(text))
