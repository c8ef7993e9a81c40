"""A hundred answers off a raw socket: each the right text, or one true line; nothing private asked.

Whole pages go through address rules, robots.txt, wire and extraction, byte for byte as servers
send them.
"""

import asyncio
import codecs
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import httpcore
import pytest

from ingest.errors import IngestError
from ingest.extract.extractor import extract
from ingest.web.fetch.http import HttpClient, HttpFetcher
from ingest.web.fetch.pinned_network import dial_tcp
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy
from ingest.web.ssrf import AddressGuard
from ingest.web.tiered_fetcher import TieredFetcher
from tests.wire_kit import AGENT, PUBLIC, listener

pytestmark = pytest.mark.anyio

MAX_BYTES = 300_000
KEY = "the oldest request comes first"
ZH_KEY = "最早提出申请的船主优先"
PAGE = (
    "<!doctype html><html><head><title>Moorings</title></head><body><article>"
    f"<p>A mooring that has not been used for two winters is offered again, and {KEY}.</p>"
    "<p>The harbour office keeps a register of every mooring and prints it each spring.</p>"
    "</article></body></html>"
)
ZH_PAGE = (
    "<!doctype html><html lang=zh><head>{}<title>泊位</title></head><body><article>"
    f"<p>连续两个冬天没有使用的泊位将被重新分配，{ZH_KEY}获得使用资格。</p><p>港务局每年春天都会重新登记所有的泊位。</p>"
    "</article></body></html>"
)
HTML = PAGE.encode()


def reply(
    body: bytes = HTML,
    *headers: str,
    kind: str | None = "text/html; charset=utf-8",
    status: str = "200 OK",
    length: int | None = -1,
) -> bytes:
    """Return an answer; a length of -1 is the true one, None leaves it out."""
    lines = [f"HTTP/1.1 {status}", *headers]
    lines += [] if kind is None else [f"Content-Type: {kind}"]
    lines += [] if length is None else [f"Content-Length: {len(body) if length < 0 else length}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(body: bytes, *, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    pieces = [body[at : at + 90] for at in range(0, len(body), 90)]
    packed = b"".join(b"%x%s\r\n%s\r\n" % (len(each), extension, each) for each in pieces)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + packed + b"0\r\n" + trailer + b"\r\n"


def chinese(charset: str, *, header: str = "", meta: str = "", mark: bytes = b"") -> bytes:
    source = ZH_PAGE.format(f"<meta charset={meta}>" if meta else "")
    kind = f"text/html; charset={header}" if header else "text/html"
    return reply(mark + source.encode(charset), kind=kind)


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


GZIP = "Content-Encoding: gzip"
PACKED = gzip.compress(HTML, mtime=0)

READ: dict[str, bytes] = {
    "length too long": reply(length=len(HTML) + 200),
    "length twice": reply(HTML, f"Content-Length: {len(HTML)}"),
    "length and chunked": chunked(HTML).replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n", 1),
    "no length": reply(length=None),
    "chunk extension": chunked(HTML, extension=b';name="a b"'),
    "chunk sizes with blanks": chunked(HTML, extension=b"  "),
    "trailers": chunked(HTML, trailer=b"Server-Timing: a\r\nX-Sum: 1\r\n"),
    "no last chunk": chunked(HTML)[:-5],
    "gzip": reply(PACKED, GZIP),
    "gzip and junk": reply(PACKED + b"JUNKJUNK", GZIP),
    "gzip and padding": reply(PACKED + bytes(512), GZIP),
    "gzip without checksum": reply(PACKED[:-8], GZIP),
    "gzip twice, said once": reply(gzip.compress(PACKED, mtime=0), GZIP),
    "gzip twice": reply(gzip.compress(PACKED, mtime=0), "Content-Encoding: gzip, gzip"),
    "gzip, not said": reply(PACKED),
    "gzip said, plain": reply(HTML, GZIP),
    "deflate": reply(zlib.compress(HTML), "Content-Encoding: deflate"),
    "deflate raw": reply(raw_deflate(HTML), "Content-Encoding: deflate"),
    "a charset for a packing": reply(HTML, "Content-Encoding: UTF-8"),
    "HTTP/1.0": reply().replace(b"HTTP/1.1", b"HTTP/1.0"),
    "HTTP/1.2": reply().replace(b"HTTP/1.1", b"HTTP/1.2"),
    "folded header": reply(HTML, "X-A: one\r\n two\r\n\tthree"),
    "100 headers": reply(HTML, *(f"X-H{n}: v" for n in range(100))),
    "60 kB of cookies": reply(HTML, f"Set-Cookie: a={'x' * 60_000}"),
    "LF alone": reply().replace(b"\r\n", b"\n"),
    "no reason": reply(status="200"),
    "reason in GBK": reply().replace(b"200 OK", b"200 " + "成功".encode("gbk")),
    "control character": reply(HTML, "X-A: a\x07b"),
    "no name": reply(HTML, ": x"),
    "early hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 20 + reply(),
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + reply(),
    "203": reply(status="203 Transformed"),
    "no type": reply(kind=None),
    "plain text that is HTML": reply(kind="text/plain"),
    "PDF that is HTML": reply(kind="application/pdf"),
    "JSON that is HTML": reply(kind="application/json"),
    "an unknown type": reply(kind="application/octet-stream"),
    "attachment": reply(HTML, "Content-Disposition: attachment; filename=a.html"),
    "refresh in five minutes": reply(HTML, "Refresh: 300"),
}
READ_ZH: dict[str, bytes] = {
    "says gbk, is utf-8": chinese("utf-8", header="gbk", meta="utf-8"),
    "says utf-8, is gbk": chinese("gbk", header="utf-8", meta="gbk"),
    "gbk, meta utf-8": chinese("gbk", header="gbk", meta="utf-8"),
    "nothing said, gbk": chinese("gbk"),
    "meta gbk, is utf-8": chinese("utf-8", meta="gbk"),
    "latin-1 said, utf-8": chinese("utf-8", header="iso-8859-1"),
    "latin-1 said, gbk": chinese("gbk", header="iso-8859-1"),
    "utf-7 said, utf-8": chinese("utf-8", header="utf-7"),
    "mark over both": chinese("utf-8", header="gbk", meta="big5", mark=codecs.BOM_UTF8),
    "utf-16 and mark": chinese("utf-16-be", header="gbk", mark=codecs.BOM_UTF16_BE),
    "utf-16 le, no mark": chinese("utf-16-le"),
    "utf-16 be, no mark": chinese("utf-16-be", header="utf-8"),
    "meta utf-16, is utf-8": chinese("utf-8", meta="utf-16"),
    "gb18030": chinese("gb18030", header="gb2312"),
}
REFUSED: dict[str, tuple[bytes, str]] = {
    "length too long, page cut": (reply(HTML[:-20], length=len(HTML)), "unreachable"),
    "negative length": (reply(length=-5).replace(b"Length: ", b"Length: -"), "unreachable"),
    "no chunk": (chunked(HTML).replace(b"5a\r\n", b"zz\r\n"), "unreachable"),
    "gzip cut": (reply(PACKED[:-20], GZIP), "unreachable"),
    "brotli": (reply(b"\x0b\x05\x80hello\x03", "Content-Encoding: br"), "unsupported"),
    "zstd": (reply(b"(\xb5/\xfd", "Content-Encoding: zstd"), "unsupported"),
    "a header of 1 MB": (reply(HTML, f"X-Big: {'x' * 1_000_000}"), "unreachable"),
    "closed in the head": (b"HTTP/1.1 200 OK\r\nContent-Ty", "unreachable"),
    "closed at once": (b"", "unreachable"),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", "unreachable"),
    "HTTP/0.9": (HTML, "unreachable"),
    "101": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "unreachable"),
    "204": (reply(b"", status="204 No Content"), "empty"),
    "205": (reply(b"", status="205 Reset Content"), "empty"),
    "206": (
        reply(HTML[:200], f"Content-Range: bytes 0-199/{len(HTML)}", status="206 Partial"),
        "unreachable",
    ),
    "304 unasked": (b"HTTP/1.1 304 Not Modified\r\n\r\n", "refused"),
    **{
        f"{status}": (reply(status=f"{status} X"), "refused")
        for status in (401, 403, 407, 410, 418, 421, 429, 451, 500, 503, 999)
    },
    "Retry-After of years": (
        reply(HTML, "Retry-After: 99999999999", status="503 Busy"),
        "refused",
    ),
    "no Location": (reply(b"", status="302 Found"), "refused"),
    "Location to itself": (reply(b"", "Location: /", status="302 Found"), "refused"),
    "endless Location": (reply(b"", "Location: /hop/1", status="302 Found"), "refused"),
    "to a file": (reply(b"", "Location: file:///etc/passwd", status="302 Found"), "address"),
    "to this machine": (reply(b"", "Location: http://127.0.0.1/", status="302 Found"), "address"),
    "to octal": (reply(b"", "Location: http://0177.1/", status="302 Found"), "address"),
    "to a mapped address": (
        reply(b"", "Location: http://[::ffff:7f00:1]/", status="302 Found"),
        "address",
    ),
    "to metadata": (
        reply(b"", "Location: http://169.254.169.254/latest/", status="302 Found"),
        "address",
    ),
    "with a password": (
        reply(b"", "Location: http://a:b@site.test/", status="302 Found"),
        "address",
    ),
    "refresh to this machine": (reply(b"", "Refresh: 0;url=http://127.0.0.1/"), "address"),
    "refresh to itself": (reply(b"<meta http-equiv=refresh content='0;url=/'>"), "empty"),
    "an image that is HTML": (reply(kind="image/png"), "unsupported"),
    "HTML that is an image": (reply(b"\x89PNG\r\n\x1a\n" + bytes(900)), "unsupported"),
    "nothing": (reply(b""), "empty"),
    "zeros": (reply(bytes(5000)), "empty"),
}

RULES = b"User-agent: *\nDisallow: /private\n"
CLOSED: dict[str, bytes] = {
    "plain": reply(RULES, kind="text/plain"),
    "10 MB": reply(RULES + b"# x\n" * 2_500_000, kind="text/plain"),
    "a mark": reply(codecs.BOM_UTF8 + RULES, kind="text/plain"),
    "utf-16": reply(RULES.decode().encode("utf-16"), kind="text/plain"),
    "utf-16 without a mark": reply(RULES.decode().encode("utf-16-le"), kind="text/plain"),
    "CR alone": reply(RULES.replace(b"\n", b"\r"), kind="text/plain"),
    "a zero before": reply(b"\0" + RULES, kind="text/plain"),
    "wildcards": reply(b"User-agent: *\nDisallow: /*/x$\n", kind="text/plain"),
    "our name in capitals": reply(b"USER-AGENT: QIUZHENG\nDISALLOW: /\n", kind="text/plain"),
    "full-width colons": reply("User-agent： *\nDisallow：/\n".encode(), kind="text/plain"),
    "packed, not said": reply(gzip.compress(RULES, mtime=0), kind="text/plain"),
    "500": reply(RULES, status="500 Error"),
    "closed": b"",
    "to this machine": reply(b"", "Location: http://127.0.0.1/robots.txt", status="302 Found"),
}
OPEN: dict[str, bytes] = {
    "HTML": reply(),
    "404": reply(RULES, status="404 None"),
    "403": reply(RULES, status="403 No"),
    "another's name": reply(b"User-agent: qiu\nDisallow: /\n", kind="text/plain"),
    "a delay of days": reply(b"User-agent: *\nCrawl-delay: 864000\n", kind="text/plain"),
    "a circle": reply(b"", "Location: /robots.txt", status="302 Found"),
}

Answer = Callable[[str], bytes]


@asynccontextmanager
async def site(answer: Answer) -> AsyncIterator[tuple[Callable[[str], Awaitable[str]], list[str]]]:
    """Serve a.test by `answer`; yield what reads a path of it, and the addresses that are dialled.

    The reader returns the text, or "reason: line" of the error.
    """
    dialled: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(head.split(b" ")[1].decode()))
        await writer.drain()

    async def resolve(host: str) -> Sequence[str]:
        return [PUBLIC]

    async with listener(serve) as port:

        async def dial(
            address: str, _port: int, timeout_s: float | None
        ) -> httpcore.AsyncNetworkStream:
            dialled.append(address)
            return await dial_tcp("127.0.0.1", port, timeout_s)

        client = HttpClient(
            guard=AddressGuard(resolve=resolve), agent=AGENT, timeout_s=20, dial=dial
        )
        robots = RobotsPolicy(agent=AGENT, read=client.read_robots)
        http = HttpFetcher(
            client=client,
            robots=robots,
            timeout_s=20,
            max_bytes=MAX_BYTES,
            rate_limiter=RateLimiter(per_host=2, gap_s=0.0, max_delay_s=0.0),
            document_types=["application/pdf"],
        )
        tiered = TieredFetcher(
            http=http, browser=None, read=lambda page: asyncio.to_thread(extract, page)
        )

        async def read(path: str) -> str:
            try:
                loaded = await tiered.load(f"http://a.test{path}")
            except IngestError as error:
                return f"{error.reason}: {error.localize('en')}"
            assert loaded.document is not None
            return loaded.document.text

        yield read, dialled
        await robots.close()
        await http.close()


def page_alone(raw: bytes) -> Answer:
    def answer(path: str) -> bytes:
        if path == "/robots.txt":
            return reply(b"", status="404 Not Found")
        if path.startswith("/hop/"):
            return reply(b"", f"Location: /hop/{int(path[5:]) + 1}", status="302 Found")
        return raw

    return answer


@pytest.mark.parametrize("name", READ)
async def test_an_odd_answer_is_read(name: str) -> None:
    async with site(page_alone(READ[name])) as (read, dialled):
        assert KEY in await read("/")
    assert set(dialled) == {PUBLIC}


@pytest.mark.parametrize("name", READ_ZH)
async def test_a_charset_that_lies_is_read(name: str) -> None:
    async with site(page_alone(READ_ZH[name])) as (read, _):
        assert ZH_KEY in await read("/")


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_read_is_one_true_line(name: str) -> None:
    raw, reason = REFUSED[name]
    async with site(page_alone(raw)) as (read, dialled):
        line = await read("/")
    assert line.startswith(f"{reason}: ")
    assert "\n" not in line
    assert set(dialled) == {PUBLIC}


@pytest.mark.parametrize("name", [*CLOSED, *OPEN])
async def test_robots_txt_however_it_comes(name: str) -> None:
    rules = CLOSED.get(name) if name in CLOSED else OPEN[name]
    assert rules is not None
    async with site(lambda path: rules if path == "/robots.txt" else reply()) as (read, dialled):
        text = await read("/private/x")
    assert (KEY in text) is (name in OPEN)
    assert set(dialled) == {PUBLIC}
