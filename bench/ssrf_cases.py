"""URLs that lead, by one trick or another, to where no reader of the public web belongs."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

PRIVATE = ("127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254",
           "100.100.100.200", "168.63.129.16", "0.0.0.0")  # fmt: skip
PUBLIC_HOST = "site.example.net"
PUBLIC = "93.184.215.14"
SCHEMES = ("ftp", "gopher", "dict", "ldap", "tftp", "ws", "wss", "sftp", "jar", "netdoc")
PORTS = (1, 21, 22, 23, 25, 110, 143, 445, 993, 1433, 2375, 3306, 5432, 5900, 6379, 9200, 11211,
         27017, 65535)  # fmt: skip
LOCAL_NAMES = (
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain", "ip6-localhost",
    "router", "printer.local", "nas.lan", "db.internal", "wiki.corp", "git.intranet", "x.home.arpa",
    "vault.private", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "ｌｏｃａｌｈｏｓｔ", "loc%61lhost", "%6c%6f%63alhost",
)  # fmt: skip
METADATA_NAMES = (
    "metadata", "metadata.google.internal", "METADATA.Google.Internal.", "metadata.goog",
    "instance-data", "instance-data.ec2.internal", "metadata.tencentyun.com",
    "metadata.packet.net", "metadata.platformequinix.com", "metadata%2egoogle%2einternal",
    "metadata。google。internal",
)  # fmt: skip
ADDRESSES_6 = (
    "::1", "::", "0:0:0:0:0:0:0:1", "0000:0000:0000:0000:0000:0000:0000:0001", "::0001", "fe80::1",
    "fe80::1%25eth0", "fe80::1%eth0", "::1%25lo", "fec0::1", "fc00::1", "fd00::1", "fd00:ec2::254",
    "fd00:ec2::23", "fd20:ce::254", "fe80::a9fe:a9fe", "ff02::1", "ff0e::1", "2001:db8::1",
    "3fff::1", "100::1", "5f00::1", "2001:10::1",
)  # fmt: skip
OTHER_4 = ("100.64.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1",
           "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "127.255.255.254",
           "169.254.170.2", "169.254.0.23")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One URL."""

    kind: str
    url: str


def cases() -> list[Case]:
    """Return every case once."""
    found = [
        *(Case(kind="IPv4, spelled", url=f"http://{h}/") for a in PRIVATE for h in spellings(a)),
        *(Case(kind="IPv4, other ranges", url=f"http://{a}/") for a in OTHER_4),
        *(Case(kind="IPv4 in IPv6", url=f"http://[{h}]/") for a in PRIVATE for h in carriers(a)),
        *(Case(kind="IPv6", url=f"http://[{a}]/") for a in ADDRESSES_6),
        *(Case(kind="local names", url=f"http://{name}/") for name in LOCAL_NAMES),
        *(Case(kind="metadata names", url=f"http://{name}/") for name in METADATA_NAMES),
        *(Case(kind="user info", url=url) for url in credentials()),
        *(Case(kind="slashes and blanks", url=url) for url in untidy()),
        *(Case(kind="ports", url=f"http://{PUBLIC_HOST}:{port}/") for port in PORTS),
        *(Case(kind="ports", url=f"http://127.0.0.1:{port}/") for port in (80, 8080, 11434)),
        *(Case(kind="schemes", url=f"{scheme}://127.0.0.1/x") for scheme in SCHEMES),
        *(Case(kind="schemes", url=url) for url in odd_schemes()),
    ]
    return list({case.url: case for case in found}.values())


def spellings(address: str) -> Iterator[str]:
    """Yield an IPv4 address in the ways that the URL standard reads."""
    number = int(ipaddress.IPv4Address(address))
    a, b, c, d = address.split(".")
    octal = [f"0{int(part):o}" for part in (a, b, c, d)]
    hexes = [f"{int(part):#x}" for part in (a, b, c, d)]
    yield from (address, f"{address}.", str(number), f"{number:#x}", f"{number:#X}", f"0{number:o}")
    yield from (".".join(octal), ".".join(hexes), f"000000{octal[0]}.{b}.{c}.{d}")
    yield from (f"{a}.{number & 0xFFFFFF}", f"{a}.{b}.{number & 0xFFFF}")
    yield from (f"{hexes[0]}.{octal[1]}.{number & 0xFFFF}", f"{octal[0]}.{b}.{hexes[2]}.{d}")
    yield from (address.replace(".", dot) for dot in "。．｡")
    yield address.translate({ord("0") + n: ord("０") + n for n in range(10)})
    yield "".join(f"%{ord(character):02x}" for character in address)
    yield f"{number:#x}.".upper().replace("0X", "0x")


def carriers(address: str) -> Iterator[str]:
    """Yield the IPv6 addresses by which tunnels and translators mean an IPv4 address."""
    number = int(ipaddress.IPv4Address(address))
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    mask = number ^ 0xFFFF_FFFF
    yield from (f"::ffff:{address}", f"::ffff:{high}:{low}", f"0:0:0:0:0:FFFF:{high}:{low}")
    yield from (f"::{address}", f"::ffff:0:{address}", f"64:ff9b::{address}")
    yield from (f"64:ff9b:1::{address}", f"2002:{high}:{low}::1", f"fe80::5efe:{address}")
    yield from (f"2606:4700::5efe:{address}", f"2001:0:808:808::{mask >> 16:x}:{mask & 0xFFFF:x}")


def credentials() -> Iterator[str]:
    """Yield URLs whose host is not what it seems."""
    for inner in ("127.0.0.1", "169.254.169.254", "localhost", "[::1]"):
        yield f"http://{PUBLIC_HOST}@{inner}/"
        yield f"http://{PUBLIC_HOST}:80@{inner}/"
        yield f"http://{PUBLIC_HOST}%2f@{inner}/"
        yield f"http://user:secret@{inner}/"
        yield f"http://a@b@{inner}/"
        yield f"http://{PUBLIC_HOST}&@{inner}#@{PUBLIC_HOST}/"
    yield f"http://user:secret@{PUBLIC_HOST}/"
    yield f"http://user@{PUBLIC_HOST}/"
    yield f"http://:secret@{PUBLIC_HOST}/"


def untidy() -> Iterator[str]:
    """Yield URLs that parsers disagree about."""
    for inner in ("127.0.0.1", "169.254.169.254", "localhost"):
        yield from (f"http:{inner}/", f"http:/{inner}/", f"http:///{inner}/", f"http:////{inner}/")
        yield from (f"http:\\\\{inner}\\", f"http:/\\{inner}/", f"\\\\{inner}/x", f"//{inner}/x")
        yield from (f"http://{inner}\\@{PUBLIC_HOST}/", f"http://{inner}?@{PUBLIC_HOST}/")
        yield from (f"http://{inner}#@{PUBLIC_HOST}/", f"http://{inner}\\.{PUBLIC_HOST}/")
        yield from (f" http://{inner}/", f"\x01http://{inner}/", f"ht\ntp://{inner}/")
        yield from (f"http://{inner[:3]}\t{inner[3:]}/", f"http://{inner[:3]}\r\n{inner[3:]}/")
        yield from (
            f"http://{inner[:3]}\u00ad{inner[3:]}/",
            f"http://{inner[:3]}\u200b{inner[3:]}/",
        )
        yield from (f"HTTP://{inner}/", f"http://{inner}:80/", f"http://{inner}:/", f"{inner}/x")


def odd_schemes() -> Iterator[str]:
    """Yield URLs that are no web pages."""
    yield from ("file:///etc/passwd", "file://127.0.0.1/etc/passwd", "file:/etc/passwd")
    yield from ("FILE:///etc/passwd", "data:text/html,secret", "javascript:alert(1)", "about:blank")
    yield from (
        "blob:http://127.0.0.1/x",
        "view-source:http://127.0.0.1/",
        "urn:x:y",
        "http://",
        "",
    )
    yield from ("chrome://settings", "unix:///var/run/docker.sock", "mailto:a@127.0.0.1")
    yield "http://" + "a" * 70_000 + ".example.net/"
