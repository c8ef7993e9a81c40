"""Pages that want to see a browser before they show anything, and how to tell them.

Such a page is no page and no refusal: whoever opens it in a browser, under the same honest name,
may be let in.
"""

import re
from collections.abc import Mapping

BLOCKING = frozenset({403, 429, 503})
"""Statuses under which challenges are served."""
MAX_CHARACTERS = 64 * 1024
"""A challenge is a short page."""

_ON_A_BLOCK = re.compile(
    r"just a moment\.\.\.|checking (?:if the site connection is secure|your browser)"
    r"|cf[-_]chl[-_]|challenge-form|/cdn-cgi/challenge-platform/|turnstile"  # Cloudflare
    r"|_incapsula_resource|captcha-delivery\.com|px-captcha|awswaf|aws-waf-token|ddos-guard"
    r"|[hg](?:re)?-?captcha|verify (?:that )?you are (?:a )?human"
    r"|enable javascript and cookies to continue|人机验证|安全验证|滑动验证|请完成验证",
    re.IGNORECASE,
)
"""What the challenges of the big shields and their captchas say of themselves."""

_ON_ANY_PAGE = re.compile(
    r"<title[^>]*>\s*(?:just a moment\.\.\.|checking your browser|ddos-guard"
    r"|attention required! \| cloudflare|human verification|verify you are human"
    r"|请稍候|安全验证|人机验证)",
    re.IGNORECASE,
)
"""Under status 200 only the title tells: pages that write about captchas are to be read."""


def wants_browser(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether the response is a challenge that a browser might pass.

    Args:
        status: HTTP status.
        headers: names in any case, if the mapping ignores it.
        body: unpacked; of a page with an error status the beginning is enough.
    """
    if headers.get("cf-mitigated", "").strip().lower() == "challenge":
        return True
    if headers.get("x-amzn-waf-action", "").strip().lower() in ("challenge", "captcha"):
        return True
    if status in BLOCKING:
        return _ON_A_BLOCK.search(_text(body)) is not None
    return len(body) <= MAX_CHARACTERS and _ON_ANY_PAGE.search(_text(body)) is not None


def _text(body: bytes) -> str:
    return body[:MAX_CHARACTERS].decode("utf-8", "replace")
