from datetime import UTC, datetime

import httpx
import pytest

from ingest.web.challenges import MAX_CHARACTERS, wants_browser
from ingest.web.fetch.headers import parse_content_type, parse_robots_directives

AGENT = "qiuzheng/0.1.0 (+https://example.test/)"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "media_type", "charset"),
    [
        ("Text/HTML; charset=GBK", "text/html", "gbk"),
        ('text/html; charset="utf-8"', "text/html", "utf-8"),
        ("text/html;charset=", "text/html", None),
        ("text/html", "text/html", None),
        ("", "", None),
        (";;;;", "", None),
        ("text/html; charset=utf-8; charset=gbk", "text/html", "utf-8"),
        ("text/html; x-charset=gbk; charset = big5 ; a=b", "text/html", "big5"),
        # Sent twice: httpx joins the values. The last valid one counts.
        ("text/html, text/html; charset=gbk", "text/html", "gbk"),
        ("text/html; charset=gbk, text/html", "text/html", "gbk"),
        ("text/plain; charset=gbk, text/html", "text/html", None),
        ("text/html; charset=utf-8,gbk", "text/html", "utf-8"),
        ("unknown", "", None),
        ("html", "", None),
        # Parts and encodings of parameters are for mail; RFC 9110 has none.
        ("text/html; charset*=utf-8''x; charset*0=y", "text/html", None),
        (f"text/html; charset*{'9' * 5000}=x", "text/html", None),
        ("text/html; charset*=a\x00b''c", "text/html", None),
    ],
)
def test_a_content_type_is_taken_apart(value: str, media_type: str, charset: str | None) -> None:
    assert parse_content_type(httpx.Headers({"Content-Type": value})) == (media_type, charset)


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ([], ()),
        (["noindex"], ("noindex",)),
        (["NoIndex, NOSNIPPET"], ("noindex", "nosnippet")),
        (["noindex", "noai", "noindex"], ("noindex", "noai")),
        (["none"], ("none",)),
        # A bot's name holds to the end of its header, or to the next name.
        (["otherbot: noindex, nofollow"], ()),
        (["qiuzheng: noindex, nosnippet"], ("noindex", "nosnippet")),
        (["QiuZheng : noindex"], ("noindex",)),
        (["otherbot: noindex", "nosnippet"], ("nosnippet",)),
        (["otherbot: noindex, qiuzheng: noai"], ("noai",)),
        (["noarchive, otherbot: noindex"], ("noarchive",)),
        (["qiuzheng-images: noindex"], ()),
        # Directives with a value of their own are nobody's name.
        (["max-snippet: 50, noindex"], ("max-snippet:50", "noindex")),
        # No character of a page may be quoted: that is what "nosnippet" says.
        (["max-snippet: 0"], ("nosnippet",)),
        (["noindex;nofollow"], ("noindex", "nofollow")),
        (["noindex; max-snippet: 0"], ("noindex", "nosnippet")),
        (["noai noimageai"], ("noai", "noimageai")),
        (["max-image-preview:large"], ("max-image-preview:large",)),
        (["otherbot: max-snippet:0, noindex"], ()),
        # A page that has run out is out of the index.
        (["unavailable_after: 25 Jun 2010 15:00:00 PST"], ("noindex",)),
        (["unavailable_after: Fri, 25 Jun 2010 15:00:00 GMT, nosnippet"], ("noindex", "nosnippet")),
        (["unavailable_after: Friday, 25-Jun-10 15:00:00 GMT"], ("noindex",)),
        (["unavailable_after: 2010-06-25"], ("noindex",)),
        (["unavailable_after: 2010-06-25T15:00:00+02:00"], ("noindex",)),
        (["unavailable_after: 25 Jun 2090 15:00:00 PST, noai"], ("noai",)),
        (["unavailable_after: soon"], ()),
        (["otherbot: unavailable_after: 2010-06-25"], ()),
        (["qiuzheng: unavailable_after: 2010-06-25"], ("noindex",)),
        ([", ,"], ()),
    ],
)
def test_x_robots_tag_is_read_as_its_specification_has_it(
    values: list[str], asked: tuple[str, ...]
) -> None:
    assert parse_robots_directives(values, agent=AGENT, now=NOW) == asked


CLOUDFLARE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (403, {"CF-Mitigated": "challenge"}, b""),
        (202, {"x-amzn-waf-action": "challenge"}, b""),
        (503, {}, CLOUDFLARE),
        (200, {}, CLOUDFLARE),
        (403, {}, b"<p>Checking your browser before accessing example.test</p>"),
        (403, {}, b"<script src='https://geo.captcha-delivery.com/captcha/'></script>"),
        (429, {}, b"<div class='h-captcha'></div>"),
        (403, {}, "<title>安全验证</title>".encode()),
        # A script and no text, under whatever error: the script is the answer.
        (521, {}, b"<script>document.cookie='__jsl=1';location.reload()</script>"),
        (412, {}, b"<html><head><title>x</title><script src=a.js></script></head><body></body>"),
        (401, {}, b"<button>I am not a robot</button><script>ask()</script>"),
    ],
)
def test_a_challenge_is_recognized_among_error_pages(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    assert wants_browser(status, httpx.Headers(headers), body)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, b"<h1>Access denied</h1>"),
        (503, b"<h1>Back soon</h1>"),
        (404, b"<h1>404</h1>"),
        (429, b"slow down"),
        (404, b"<script src=app.js></script>"),
        (410, b"<script src=app.js></script>"),
        (500, b"<h1>Something is broken, and we have been told of it</h1><script></script>"),
        (200, b"<title>How captchas work</title><p>Just a moment... g-recaptcha, hcaptcha</p>"),
        (200, b"<script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script>"),
        (200, CLOUDFLARE + b"x" * MAX_CHARACTERS),
    ],
)
def test_a_plain_error_and_a_page_about_challenges_are_no_challenge(
    status: int, body: bytes
) -> None:
    assert not wants_browser(status, httpx.Headers(), body)
