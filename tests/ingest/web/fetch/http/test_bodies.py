"""What comes as a page: packed, too long, cut, or no text at all."""

import base64
import gzip
import random
import zlib

import pytest

from ingest.extract.registry import DOCUMENT_TYPES
from tests.http_kit import MAX_BYTES, Kit, failure
from tests.internet.net import Internet, Reply
from tests.internet.weird import install

pytestmark = pytest.mark.anyio


async def test_text_that_is_said_to_be_packed_and_is_not_is_read(net: Internet, kit: Kit) -> None:
    text = "港务局每年春天登记泊位。\n".encode()
    headers = {"Content-Encoding": "gzip"}
    net.page("https://a.test/", text, headers=headers, content_type="text/plain")
    assert (await kit.fetcher.fetch("https://a.test/")).body == text


@pytest.mark.parametrize(
    ("content_range", "is_page"),
    [
        ("bytes 0-11/12", True),
        ("", True),
        ("bytes 0-11/900", False),
        ("bytes 5-16/17", False),
        ("bytes 0-11/*", False),
    ],
)
async def test_a_part_that_nobody_asked_for_is_not_taken_for_the_page(
    net: Internet, kit: Kit, content_range: str, is_page: bool
) -> None:
    headers = {"Content-Range": content_range} if content_range else {}
    net.page("https://a.test/", "<p>hello</p>", status=206, headers=headers)
    if is_page:
        assert (await kit.fetcher.fetch("https://a.test/")).body == b"<p>hello</p>"
    else:
        error = await failure(kit, "https://a.test/")
        assert error.localize("en") == "the server sends a part of the page only"


async def test_a_bomb_costs_its_limit_and_no_more(net: Internet, kit: Kit) -> None:
    weird = install(net, bomb_mebibytes=100, huge_mebibytes=3)
    assert (await failure(kit, weird["bomb"])).reason == "too_large"
    assert (await failure(kit, weird["huge"])).reason == "too_large"


async def test_a_page_without_length_is_cut_off_at_the_limit(net: Internet, kit: Kit) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    net.page("https://a.test/", Reply(raw=head + b"a" * (MAX_BYTES + 1)))
    net.page("https://b.test/", Reply(raw=head + b"a" * MAX_BYTES))
    assert (await failure(kit, "https://a.test/")).reason == "too_large"
    assert len((await kit.fetcher.fetch("https://b.test/")).body) == MAX_BYTES


def with_picture(size: int) -> bytes:
    """Return a page with words before and behind a picture of `size` bytes."""
    picture = base64.b64encode(random.Random(7).randbytes(size * 3 // 4))
    return (
        b"<html><p>Words before it.</p><img alt=quay src='data:image/png;base64,"
        + picture
        + b"'><p>Words behind it.</p></html>"
    )


@pytest.mark.parametrize("packing", ["", "gzip"])
@pytest.mark.parametrize("size", [MAX_BYTES + 1, 3 * MAX_BYTES])
async def test_words_around_a_picture_that_is_too_long_are_read(
    net: Internet, kit: Kit, packing: str, size: int
) -> None:
    body = with_picture(size)
    headers = {"Content-Encoding": packing} if packing else {}
    net.page("https://a.test/", gzip.compress(body) if packing else body, headers=headers)
    page = await kit.fetcher.fetch("https://a.test/")
    assert len(page.body) <= MAX_BYTES
    assert page.body.startswith(b"<html><p>Words before it.</p><img alt=quay src=")
    assert page.body.endswith(b"'><p>Words behind it.</p></html>")


async def test_a_picture_within_the_limit_stays_as_it_is(net: Internet, kit: Kit) -> None:
    body = with_picture(MAX_BYTES // 2)
    net.page("https://a.test/", body)
    assert (await kit.fetcher.fetch("https://a.test/")).body == body


async def test_pictures_make_no_page_endless(net: Internet, kit: Kit) -> None:
    net.page("https://a.test/", with_picture(4 * MAX_BYTES + 1))
    assert (await failure(kit, "https://a.test/")).reason == "too_large"
    packed = gzip.compress(b"<p>x <img src='data:image/png;base64," + b"A" * 50 * MAX_BYTES)
    net.page("https://b.test/", packed, headers={"Content-Encoding": "gzip"})
    assert (await failure(kit, "https://b.test/")).reason == "too_large"
    net.page("https://c.test/", with_picture(MAX_BYTES + 1), content_type="text/plain")
    assert (await failure(kit, "https://c.test/")).reason == "too_large"


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"<p>hello</p>", mtime=0)),
        ("x-gzip", gzip.compress(b"<p>hello</p>", mtime=0)),
        ("deflate", zlib.compress(b"<p>hello</p>")),
        ("deflate", zlib.compress(b"<p>hello</p>")[2:-4]),
        ("identity", b"<p>hello</p>"),
        ("GZIP", gzip.compress(b"<p>hello</p>", mtime=0)),
        ("gzip, gzip", gzip.compress(gzip.compress(b"<p>hello</p>", mtime=0), mtime=0)),
        # Servers that name a charset, or nothing, or a packing that they have not done.
        ("utf-8", b"<p>hello</p>"),
        ("none", b"<p>hello</p>"),
        ("utf-8, gzip", gzip.compress(b"<p>hello</p>", mtime=0)),
        ("gzip", b"<p>hello</p>"),
        ("gzip, gzip", gzip.compress(b"<p>hello</p>", mtime=0)),
        # RFC 1952, 2.2: members follow each other, and what is no member is padding.
        ("gzip", gzip.compress(b"<p>he", mtime=0) + gzip.compress(b"llo</p>", mtime=0)),
        ("gzip", gzip.compress(b"<p>hello</p>", mtime=0) + bytes(512)),
        # Packed by the program and once more by the server, which names its own packing only.
        ("gzip", gzip.compress(gzip.compress(b"<p>hello</p>", mtime=0), mtime=0)),
        ("", gzip.compress(b"<p>hello</p>", mtime=0)),
    ],
)
async def test_packed_pages_are_unpacked(
    net: Internet, kit: Kit, encoding: str, packed: bytes
) -> None:
    net.page("https://a.test/", packed, headers={"Content-Encoding": encoding})
    assert (await kit.fetcher.fetch("https://a.test/")).body == b"<p>hello</p>"


@pytest.mark.parametrize(
    ("encoding", "packed", "reason"),
    [
        ("br", b"\x0b\x05\x80hello\x03", "unsupported"),
        ("gzip, gzip, gzip, gzip", b"hello", "unsupported"),
        ("gzip", gzip.compress(b"a", mtime=0) * 2_000, "unreachable"),
        ("gzip", b"not gzip at all", "unreachable"),
        ("deflate", b"\xff\xff\xff\xff", "unreachable"),
        ("gzip", gzip.compress(b"<p>hello</p>" * 99, mtime=0)[:-9], "unreachable"),
    ],
)
async def test_what_cannot_be_unpacked_is_no_page(
    net: Internet, kit: Kit, encoding: str, packed: bytes, reason: str
) -> None:
    net.page("https://a.test/", packed, headers={"Content-Encoding": encoding})
    assert (await failure(kit, "https://a.test/")).reason == reason


@pytest.mark.parametrize(
    "media_type",
    ["image/png", "image/svg+xml", "video/mp4", "audio/mpeg", "application/zip", "font/woff2"],
)  # fmt: skip
async def test_what_is_not_text_is_refused_before_its_body(
    net: Internet, hasty: Kit, media_type: str
) -> None:
    stuck = f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: 9\r\n\r\n"
    net.page("https://a.test/", Reply(raw=stuck.encode()))
    error = await failure(hasty, "https://a.test/")
    assert error.reason == "unsupported"
    assert media_type in str(error)


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "text/plain",
        "application/xhtml+xml",
        "application/octet-stream",
        *sorted(DOCUMENT_TYPES),
    ],
)
async def test_text_documents_and_the_untyped_are_accepted(
    net: Internet, kit: Kit, media_type: str | None
) -> None:
    net.page("https://a.test/", "hello", content_type=media_type)
    page = await kit.fetcher.fetch("https://a.test/")
    assert (page.media_type, page.charset) == (media_type or "", None)
