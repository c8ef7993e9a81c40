"""Recognizes challenges: pages that let only a browser, or a person, through to the real page.

Such a response is neither the page nor its last word: a browser with the same honest User-Agent
may be let in.
"""

import re
from collections.abc import Mapping

BLOCKING = frozenset({403, 429, 503})
"""Statuses under which challenges are served."""
MAX_CHARACTERS = 64 * 1024
"""Bytes that are searched: a challenge is a short page."""

GONE = frozenset({404, 410, 451})
"""Statuses that say all: a browser would not be shown more."""
MAX_SHOWN = 20
"""Characters of an error page that shows next to nothing, so that its script must be the answer:
a cookie to be computed (521, 412), a button to be pressed (401)."""

_UNSHOWN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|noscript|title)\b.*?(?:</\1\s*>|\Z)|<[^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
_ON_A_BLOCK = re.compile(
    r"just a moment\.\.\.|checking (?:if the site connection is secure|your browser)"
    r"|cf[-_]chl[-_]|challenge-form|/cdn-cgi/challenge-platform/|turnstile"  # Cloudflare
    r"|_incapsula_resource|captcha-delivery\.com|px-captcha|awswaf|aws-waf-token|ddos-guard"
    r"|[hg](?:re)?-?captcha|verify (?:that )?you are (?:a )?human"
    r"|enable javascript and cookies to continue|人机验证|安全验证|滑动验证|请完成验证",
    re.IGNORECASE,
)
"""Marks of the challenges of large bot shields and of captchas."""

_ON_ANY_PAGE = re.compile(
    r"<title[^>]*>\s*(?:just a moment\.\.\.|checking your browser|ddos-guard"
    r"|attention required! \| cloudflare|human verification|verify you are human"
    r"|请稍候|安全验证|人机验证)",
    re.IGNORECASE,
)
"""Under status 200 only the title counts: an article about captchas is a page like any other."""


def wants_browser(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether the response is a challenge that a browser might pass.

    Args:
        status: HTTP status.
        headers: names in lower case, unless the mapping ignores case.
        body: decompressed; of a response with an error status the beginning is enough.
    """
    # Cloudflare and AWS name their challenges in a header, also under status 200.
    if headers.get("cf-mitigated", "").strip().lower() == "challenge":
        return True
    if headers.get("x-amzn-waf-action", "").strip().lower() in ("challenge", "captcha"):
        return True
    text = body[:MAX_CHARACTERS].decode("utf-8", "replace")
    if status in BLOCKING and _ON_A_BLOCK.search(text):
        return True
    if status >= 400:
        if status in GONE or "<script" not in text.lower():
            return False
        return len("".join(_UNSHOWN.sub(" ", text).split())) <= MAX_SHOWN
    return len(body) <= MAX_CHARACTERS and _ON_ANY_PAGE.search(text) is not None
