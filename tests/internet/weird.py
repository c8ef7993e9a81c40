"""The awkward half of the internet: charsets, slowness, size, lies, loops and odd robots.txt.

net = Internet()
weird = install(net)          # name -> URL, in the order below
weird["gbk-meta"]             # "https://gbk-meta.test/"
"""

import io
import zlib

from tests.internet.net import Drip, Internet, Reply

LAW_ZH = "民用无人驾驶航空器的飞行活动应当遵守空域管理规定，操控员应当取得相应的执照。"
LAW_EN = (
    "Pilots must keep the drone within visual line of sight at all times and respect local rules."
)
LAW_BIG5 = "臺灣的無人機飛行應遵守空域管理規定，操作人須持有操作證。"
BY_SCRIPT = "Content made by a script about drone law."

MEBIBYTE = 2**20


def page_zh(meta: str = "") -> str:
    """Return a Chinese page of 40 articles of law, `meta` in its head."""
    articles = "".join(f"<p>第{number}条 {LAW_ZH}</p>" for number in range(1, 41))
    return (
        f"<html><head>{meta}<title>无人机安全</title></head><body><article>"
        f"<h1>无人机飞行安全管理规定</h1>{articles}</article></body></html>"
    )


def page_en(extra: str = "") -> str:
    """Return an English page of 30 paragraphs."""
    return (
        "<html><head><title>Drone law</title></head><body><article><h1>Drone law</h1>"
        + f"<p>{LAW_EN}</p>" * 30
        + f"{extra}</article></body></html>"
    )


def page_by_script() -> str:
    """Return a page that is empty until its script has run."""
    write = f"'<h1>Rendered</h1>' + '<p>{BY_SCRIPT}</p>'.repeat(20)"
    return (
        "<html><head><title>App</title></head><body><div id=app></div><script>"
        f"setTimeout(() => {{ document.getElementById('app').innerHTML = {write} }}, 100)"
        "</script></body></html>"
    )


def bomb(mebibytes: int) -> bytes:
    """Return gzip that unpacks to about `mebibytes` of `<p>A</p>`: a thousandth on the wire."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = io.BytesIO()
    piece = b"<p>A</p>" * (MEBIBYTE // 8)
    for _ in range(mebibytes):
        packed.write(packer.compress(piece))
    packed.write(packer.flush())
    return packed.getvalue()


def huge(mebibytes: int) -> bytes:
    """Return a page of `mebibytes` of words."""
    words = b"<p>word word word word</p>"
    return b"<html><body>" + words * (mebibytes * MEBIBYTE // len(words)) + b"</body></html>"


def charsets() -> dict[str, Reply]:
    """Return pages whose charset is declared in the header, in the page, nowhere, or wrongly."""
    gbk, bare = "<meta charset='gb2312'>", "text/html"
    return {
        "gbk-header": Reply(body=page_zh().encode("gbk"), content_type="text/html; charset=GBK"),
        "gbk-meta": Reply(body=page_zh(gbk).encode("gbk"), content_type=bare),
        "gbk-undeclared": Reply(body=page_zh().encode("gbk"), content_type=bare),
        "gbk-lies": Reply(body=page_zh(gbk).encode("gbk")),
        "utf8-meta": Reply(body=page_zh("<meta charset=utf-8>").encode(), content_type=bare),
        "utf16": Reply(body=page_zh().encode("utf-16"), content_type=bare),
        "big5": Reply(
            body=f"<html><body>{f'<p>{LAW_BIG5}</p>' * 10}</body></html>".encode("big5"),
            content_type="text/html; charset=big5",
        ),
    }


def troubles(*, bomb_mebibytes: int, huge_mebibytes: int) -> dict[str, Reply]:
    """Return pages that are late, large, broken, moved, or no pages at all."""
    text = page_en()
    return {
        "ok": Reply(body=text),
        "script-only": Reply(body=page_by_script()),
        "slow": Reply(body=text, delay=8.0),
        "dripping": Reply(body=text, drip=Drip(size=100, pause=0.3)),
        "hanging": Reply(fault="hang"),
        "reset": Reply(body=text, fault="reset"),
        "truncated": Reply(body=text, fault="truncate"),
        "huge": Reply(body=huge(huge_mebibytes)),
        "bomb": Reply(body=bomb(bomb_mebibytes), headers={"Content-Encoding": "gzip"}),
        "broken-gzip": Reply(body=b"not gzip at all", headers={"Content-Encoding": "gzip"}),
        "garbage": Reply(raw=b"\x00\x01 this is not HTTP\r\n\r\n"),
        "403": Reply(status=403, body="<h1>Access denied</h1>"),
        "429": Reply(status=429, body="slow down", headers={"Retry-After": "2"}),
        "500": Reply(status=500, body="<h1>oops</h1>"),
        "moved": Reply(status=301, location="https://ok.test/"),
        "loop": Reply(status=302, location="https://loop.test/"),
        "to-loopback": Reply(status=302, location="http://127.0.0.1:9/secret"),
        "to-metadata": Reply(status=302, location="http://169.254.169.254/latest/meta-data/"),
        "to-file": Reply(status=302, location="file:///etc/passwd"),
        "to-nowhere": Reply(status=302),
        "pdf": Reply(body=b"%PDF-1.4 not really", content_type="application/pdf"),
        "image": Reply(body=b"\x89PNG\r\n\x1a\n", content_type="image/png"),
        "txt": Reply(body=f"{LAW_EN}\n" * 30, content_type="text/plain"),
        "untyped": Reply(body=text, content_type=None),
        "empty": Reply(body=b""),
        "bad-tls": Reply(body=text),
    }


def robots_troubles() -> dict[str, Reply]:
    """Return robots.txt files of every temper; the page beside each is the same."""
    rules = "text/plain"
    return {
        "robots-forbid": Reply(body="User-agent: *\nDisallow: /\n", content_type=rules),
        "robots-forbid-part": Reply(
            body="User-agent: *\nDisallow: /private\nAllow: /private/open$\n", content_type=rules
        ),
        "robots-404": Reply(status=404),
        "robots-403": Reply(status=403),
        "robots-500": Reply(status=500),
        "robots-hang": Reply(fault="hang"),
        "robots-reset": Reply(fault="reset"),
        "robots-slow": Reply(body="User-agent: *\nAllow: /\n", content_type=rules, delay=1.0),
        "robots-moved": Reply(status=301, location="https://robots-forbid.test/robots.txt"),
        "robots-loop": Reply(status=302, location="https://robots-loop.test/robots.txt"),
        "robots-huge": Reply(
            body=b"#" * 600_000 + b"\nUser-agent: *\nDisallow: /\n", content_type=rules
        ),
        "robots-html": Reply(body="<html><body>Welcome!</body></html>"),
    }


def install(net: Internet, *, bomb_mebibytes: int = 50, huge_mebibytes: int = 12) -> dict[str, str]:
    """Put all of it on `net`, one host each, and return name -> URL. "nosuch" is not there."""
    replies = charsets() | troubles(bomb_mebibytes=bomb_mebibytes, huge_mebibytes=huge_mebibytes)
    places = {name: f"https://{name}.test/" for name in replies}
    for name, reply in replies.items():
        net.page(places[name], reply)
    for name, reply in robots_troubles().items():
        places[name] = f"https://{name}.test/"
        net.page(places[name], page_en())
        net.page(f"{places[name]}robots.txt", reply)
    for path in ("private", "private/open"):
        net.page(f"https://robots-forbid-part.test/{path}", page_en())
    net.foreign_certificate("bad-tls.test")
    return places | {"nosuch": "https://nosuch.test/"}
