"""Sites that want to stall, blow up or mislead whoever reads them, one host for each trick.

net = Internet()
places = install(net)          # name -> URL
places["bomb-gzip"]            # "https://bomb-gzip.test/"

Pages are made when they are asked for, so that nothing is held of what nobody wants.
"""

import base64
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator

from tests.internet.net import Drip, Internet, Reply, Request
from tests.internet.weird import LAW_EN, LAW_ZH, MEBIBYTE, bomb, page_en, page_zh

Handler = Callable[[Request], Reply | None]
Make = Callable[[], Reply]

OK = b"HTTP/1.1 200 OK\r\n"
HTML = b"Content-Type: text/html\r\n"
ENDLESS = 32 * MEBIBYTE
"""Bytes after which an endless page does end: more than anybody should take."""
LONGEST_CHAIN = 10_000


def html(body: bytes | str, **options: object) -> Make:
    return lambda: Reply(body=body, **options)  # type: ignore[arg-type]


def raw(head: bytes, body: bytes = b"") -> Make:
    return lambda: Reply(raw=head + body)


def article(extra: str = "", head: str = "") -> str:
    """Return a page with 30 honest paragraphs, and something beside them."""
    return page_en(extra).replace("</head>", f"{head}</head>")


def packed_zeros(mebibytes: int, *, window: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    zeros = bytes(MEBIBYTE)
    return b"".join(packer.compress(zeros) for _ in range(mebibytes)) + packer.flush()


def zip_of(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), body)
    return stream.getvalue()


def word_bomb(mebibytes: int = 200) -> bytes:
    """Return a Word file whose one paragraph is so much text, a thousandth as it is sent."""
    start = b'<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>'
    return zip_of(
        word__document_xml=start + b"A" * (mebibytes * MEBIBYTE),
        _Content_Types__xml=b"<Types/>",
    )


def pdf_bomb(mebibytes: int = 200) -> bytes:
    """Return a PDF with one page, whose content unpacks to `mebibytes`."""
    content = packed_zeros(mebibytes, window=15)
    head = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>endobj\n"
    )
    stream = b"4 0 obj<</Filter/FlateDecode/Length %d>>stream\n" % len(content)
    end = b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    return head + stream + content + end


def billion_laughs(root: str, opening: str) -> str:
    """Return XML of 1 kB that is 3 GB when its entities are written out."""
    entities = '<!ENTITY l0 "lol">' + "".join(
        f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10)
    )
    return f'<?xml version="1.0"?><!DOCTYPE {root} [{entities}]>{opening}&l9;'


def packing() -> dict[str, Make]:
    """Return bodies that unpack to more than they should, or not at all."""
    gzip = {"Content-Encoding": "gzip"}
    twice = zlib.compressobj(9, zlib.DEFLATED, 31)
    return {
        "bomb-gzip": lambda: Reply(body=bomb(200), headers=gzip),
        "bomb-zeros": lambda: Reply(body=packed_zeros(500, window=31), headers=gzip),
        "bomb-deflate": lambda: Reply(
            body=packed_zeros(200, window=-15), headers={"Content-Encoding": "deflate"}
        ),
        "bomb-twice": lambda: Reply(
            body=twice.compress(packed_zeros(500, window=31)) + twice.flush(),
            headers={"Content-Encoding": "gzip, gzip"},
        ),
        "claims-brotli": html(article(), headers={"Content-Encoding": "br"}),
        "claims-zstd": html(b"\x28\xb5\x2f\xfd" * 9, headers={"Content-Encoding": "zstd"}),
        "claims-gzip": html(article(), headers=gzip),
        "gzip-cut": lambda: Reply(body=bomb(1)[:700], headers=gzip),
    }


def wire() -> dict[str, Make]:
    """Return bodies of the wrong length, too slow, or without end."""
    page = article().encode()
    chunked = OK + HTML + b"Transfer-Encoding: chunked\r\n\r\n"
    piece = b"c000\r\n" + b"<p>word</p>\n" * 4096 + b"\r\n"
    return {
        "endless": lambda: Reply(raw=OK + HTML + b"\r\n" + b"<p>no end</p>" * (ENDLESS // 13)),
        "endless-chunks": lambda: Reply(raw=chunked + piece * (ENDLESS // len(piece))),
        "drips": html(page, drip=Drip(size=10, pause=0.2)),
        "drips-then-stops": html(page, drip=Drip(size=2_000, pause=60)),
        "hangs": html(page, fault="hang"),
        "resets": html(page, fault="reset"),
        "half": html(page, fault="truncate"),
        "too-long-a-length": raw(OK + HTML + b"Content-Length: 99999999999\r\n\r\n", page),
        "too-short-a-length": raw(OK + HTML + b"Content-Length: 5\r\n\r\n", page),
        "negative-length": raw(OK + HTML + b"Content-Length: -1\r\n\r\n", page),
        "two-lengths": raw(OK + HTML + b"Content-Length: 3\r\nContent-Length: 900\r\n\r\n", page),
        "chunks-cut": raw(chunked, b"ffff\r\n" + page[:500]),
        "chunk-of-nonsense": raw(chunked, b"zz\r\n" + page),
        "chunk-of-exabytes": raw(chunked, b"ffffffffffffffff\r\n" + page),
    }


def heads() -> dict[str, Make]:
    """Return status lines and headers that are none, or too many."""
    page = article().encode()
    many = b"".join(b"X-%d: y\r\n" % number for number in range(10_000))
    return {
        "huge-header": raw(OK + HTML + b"X-Big: " + b"x" * MEBIBYTE + b"\r\n\r\n", page),
        "10000-headers": raw(OK + HTML + many + b"\r\n", page),
        "headers-without-end": lambda: Reply(raw=OK + b"X-More: more\r\n" * 1_000_000),
        "null-in-header": raw(OK + HTML + b"X-Null: a\x00b\r\n\r\n", page),
        "no-status-line": raw(b"hello, this is not HTTP at all\r\n\r\n", page),
        "status-999": raw(b"HTTP/1.1 999 What\r\n" + HTML + b"\r\n", page),
        "http-0.9": raw(page),
        "100-continues": raw(
            b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000, OK + HTML + b"\r\n" + page
        ),
        "type-of-nonsense": html(page, content_type="; ;=,,charset=\x7f" + "x" * 4_000),
        "refresh-header": html(page, headers={"Refresh": "0; url=https://refresh-header.test/"}),
    }


def markup() -> dict[str, Make]:
    """Return pages that are cheap to send and dear to parse."""
    deep = "[" * 100_000
    return {
        "nested-divs": lambda: Reply(body=b"<div>" * 100_000 + b"deep"),
        "nested-inline": lambda: Reply(body=b"<p>x<b><i>" * 100_000),
        "nested-lists": lambda: Reply(body=b"<ul><li>x" * 100_000),
        "nested-tables": lambda: Reply(body=b"<table><tr><td>x" * 50_000),
        "paragraphs": lambda: Reply(body=b"<p>A</p>" * (MEBIBYTE // 8)),
        "paragraphs-5mb": lambda: Reply(body=b"<p>A</p>" * (600_000)),
        "cells": lambda: Reply(body=b"<table><tr>" + b"<td>a" * 200_000),
        "breaks": lambda: Reply(body=b"a<br>" * 950_000),
        "attributes": lambda: Reply(body=b"<p " + b"a=1 " * 1_000_000 + b">x"),
        "long-title": lambda: Reply(body=f"<title>{'title ' * 180_000}</title>{page_en()}"),
        "long-script": lambda: Reply(body=article(f"<script>{'a=1;' * 2_500_000}</script>")),
        "unclosed-comment": lambda: Reply(body=article("<!--" + "-- x " * 900_000)),
        "unclosed-attribute": lambda: Reply(body=b"<a href='" + b"x" * 4_000_000),
        "entities": lambda: Reply(body=b"&amp;lt;" * 600_000),
        "links": lambda: Reply(body=article('<a href="/x">more</a> ' * 150_000)),
        "json-ld-deep": html(article(head=f'<script type="application/ld+json">{deep}</script>')),
        "json-ld-long": lambda: Reply(
            body=article(
                head='<script type="application/ld+json">'
                + json.dumps([{"@type": "Article", "articleBody": LAW_EN * 20}] * 1_500)
                + "</script>"
            )
        ),
        "svg": lambda: Reply(body=article(f"<svg>{'<g><path d=M0/>' * 100_000}</svg>")),
        "meta-refresh": html(
            '<meta http-equiv=refresh content="0; url=https://meta-refresh.test/"><p>wait'
        ),
        "base": html(article(head=f'<base href="https://base.test/{"../" * 20_000}">')),
        "dates": lambda: Reply(body=article("<time>2020-01-01</time> 1.2.2020 " * 20_000)),
    }


def text() -> dict[str, Make]:
    """Return words that are too long, too many, or not in the charset that they claim."""
    plain = "text/plain; charset=utf-8"
    return {
        "one-word": lambda: Reply(body=b"<p>" + b"a" * 4_900_000),
        "one-line": lambda: Reply(body=b"word " * 990_000, content_type=plain),
        "short-lines": lambda: Reply(body=b"a\n" * 2_400_000, content_type=plain),
        "ideographs": lambda: Reply(body=LAW_ZH.replace("，", "") * 40_000, content_type=plain),
        "commas": lambda: Reply(body=b"a," * 2_400_000, content_type=plain),
        "white-space": lambda: Reply(body=b"<p>a" + b" \n\t" * 1_600_000 + b"b"),
        "emoji": lambda: Reply(body="<p>" + "😀👩‍👩‍👧" * 150_000),
        "right-to-left": lambda: Reply(body="<p>" + "\u202eabc \u200f\u2067" * 250_000),
        "folded": lambda: Reply(body="\ufdfa" * 1_600_000, content_type=plain),
        "nulls": lambda: Reply(body=b"<p>a\x00b</p>" * 100_000),
        "no-charset": lambda: Reply(body=b"<p>\xff\xfe\x80" * 800_000),
        "wrong-charset": html(page_zh().encode("gbk"), content_type="text/html; charset=utf-16"),
        "unknown-charset": html(page_zh(), content_type="text/html; charset=klingon"),
        "utf-7": html(b"<meta charset=utf-7>+ADw-script+AD4- " * 9_000, content_type="text/html"),
        "utf-16-odd": html(page_zh().encode("utf-16")[:-1], content_type="text/html"),
        "surrogates": lambda: Reply(body=b"<p>\xed\xa0\x80&#xD800;&#0;&#x110000; " * 50_000),
        "hashes": lambda: Reply(body=b"# " + b"#" * 4_000_000 + b"x", content_type=plain),
        "fences": lambda: Reply(body=b"```\n" * 1_000_000, content_type="text/markdown"),
        "asks-for-script": lambda: Reply(body="<script></script><p>" + "enable a b c " * 300_000),
    }


def files() -> dict[str, Make]:
    """Return XML and documents that unfold, and files under another's name."""
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    outside = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'
    return {
        "laughs-xhtml": html(
            billion_laughs("html", "<html><body><p>"), content_type="application/xhtml+xml"
        ),
        "laughs-xml": html(billion_laughs("r", "<r>"), content_type="application/xml"),
        "laughs-rss": html(
            billion_laughs("rss", "<rss><channel>"), content_type="application/rss+xml"
        ),
        "outside-entity": html(outside, content_type="application/xml"),
        "pdf-garbage": html(b"%PDF-1.7\n" + b"\xff" * 100_000, content_type="application/pdf"),
        "pdf-bomb": lambda: Reply(body=pdf_bomb(), content_type="application/pdf"),
        "word-garbage": html(b"PK\x03\x04" + b"\x00" * 5_000, content_type=word),
        "word-bomb": lambda: Reply(body=word_bomb(), content_type=word),
        "image-as-html": html(b"\x89PNG\r\n\x1a\n" + b"\xff" * MEBIBYTE),
        "data-page": html(base64.b64encode(bytes(3 * MEBIBYTE))),
    }


def moved(location: str) -> Make:
    return lambda: Reply(status=302, location=location)


def moves() -> dict[str, Make]:
    """Return redirects that lead nowhere good."""
    return {
        "to-itself": moved("https://to-itself.test/"),
        "to-file": moved("file:///etc/passwd"),
        "to-data": moved("data:text/html,<p>hello"),
        "to-loopback": moved("http://127.0.0.1:9/secret"),
        "to-metadata": moved("http://169.254.169.254/latest/meta-data/"),
        "to-nonsense": moved("http://[::1:/%zz\x7f"),
        "to-far-away": moved("https://to-far-away.test/" + "x" * 70_000),
        "to-nowhere": lambda: Reply(status=302),
    }


def chain(request: Request) -> Reply | None:
    """Redirect 10,000 times, each time to a page of its own."""
    if request.path == "/robots.txt":
        return None
    step = int(request.path.strip("/") or 0)
    if step == LONGEST_CHAIN:
        return Reply(body=article())
    return Reply(status=302, location=f"https://chain.test/{step + 1}")


def cookies(request: Request) -> Reply | None:
    """Redirect for ever who does not send the last cookie back, and who does as well."""
    if request.path == "/robots.txt":
        return None
    count = int(request.headers.get("cookie", "n=0").partition("=")[2] or 0) + 1
    path = "a" if request.path.endswith("b") else "b"
    return Reply(
        status=302, location=f"https://cookies.test/{path}", headers={"Set-Cookie": f"n={count}"}
    )


def rules() -> dict[str, Make]:
    """Return robots.txt files as hostile as pages; the page beside each is honest."""
    return {
        "robots-bomb": lambda: Reply(
            body=packed_zeros(200, window=31), headers={"Content-Encoding": "gzip"}
        ),
        "robots-wildcards": lambda: Reply(
            body=("User-agent: *\n" + f"Disallow: /{'*a' * 60}$\n" * 2_000),
            content_type="text/plain",
        ),
        "robots-endless": lambda: Reply(
            body=b"Disallow: /x\n" * 20_000, drip=Drip(size=1_000, pause=0.2)
        ),
    }


def _pages() -> Iterator[tuple[str, Make]]:
    for group in (packing, wire, heads, markup, text, files, moves):
        yield from group().items()


def install(net: Internet) -> dict[str, str]:
    """Put all of it on `net`, one host each, and return name -> URL."""
    places: dict[str, str] = {}

    def add(name: str, handler: Handler) -> None:
        places[name] = f"https://{name}.test/"
        net.route(f"{name}.test", handler)

    for name, make in _pages():
        add(name, _beside_robots(make))
    for name, make in rules().items():
        add(name, _as_robots(make))
    add("chain", chain)
    add("cookies", cookies)
    return places


def _beside_robots(make: Make) -> Handler:
    return lambda request: None if request.path == "/robots.txt" else make()


def _as_robots(make: Make) -> Handler:
    return lambda request: make() if request.path == "/robots.txt" else Reply(body=article())
