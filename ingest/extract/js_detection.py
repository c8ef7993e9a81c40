"""Detects pages that show nothing until a browser has run their scripts or passed a challenge."""

import re
from dataclasses import dataclass

from lxml import etree

from ingest.extract.dom import is_seen, text_of
from ingest.extract.interstitials import is_interstitial

MAX_PLACEHOLDER = 125
"""Characters of Markdown in the element that a framework fills. Before its script has run it holds
less: nothing, a spinner, the name of the app."""
MAX_NOTICE = 400
"""Bytes of text in a notice or a challenge; an article about JavaScript or captchas has more."""

_MOUNT_POINTS = frozenset({"app", "root", "__next", "__nuxt", "___gatsby"})
"""The ids of Vue, React, Next.js, Nuxt and Gatsby."""
_SCRIPT_NOTICE = re.compile(
    r"(?:enable|activate|requires?|need|without|turn on)\W+(?:\w+\W+){0,4}java\s?script"
    r"|java\s?script\W+(?:\w+\W+){0,4}(?:enabled?|disabled|required|turned off)"
    r"|(?:启用|开启|打开|啟用|開啟|不支持|禁用)\W{0,2}(?:了|您的|浏览器的)?\W{0,2}java\s?script"
    r"|java\s?script\W{0,3}(?:未启用|已禁用|被禁用)"
    r"|^\W*(?:loading|please wait|加载中|正在加载|载入中|请稍候|请稍等)\W*$",
    re.IGNORECASE | re.MULTILINE,
)
_LOG_IN = re.compile(r"/(?:log-?in|sign-?in|passport|captcha|verify)\b", re.IGNORECASE)
"""Addresses of links that do what a form does."""
_SCRIPT_REDIRECT = re.compile(
    r"location(?<!\wlocation)(?:(?:\.href)?\s*=\s*[^=\s]|\.(?:replace|assign)\s*\()"
)
"""Begins with the word, which is looked for faster than a boundary of words."""
_CHALLENGE = re.compile(
    r"\A\W*(?:just a moment|attention required|security check|are you (?:a )?(?:human|robot)"
    r"|access denied|安全验证|人机验证|访问验证|验证码)\W*$"
    r"|enable javascript and cookies to continue|checking (?:if the site connection|your browser)"
    r"|verif(?:y|ying) (?:that )?you are (?:a )?(?:human|not a (?:ro)?bot)|not a robot"
    r"|(?:complete|solve|enter) the captcha|unusual traffic from your"
    r"|请(?:先)?(?:完成|通过|进行)(?:下方|以下|下列)?(?:的)?(?:安全|人机|滑动|滑块|图形)?验证"
    r"|(?:拖动|滑动|按住)(?:下方)?滑块|请输入(?:图中|图片中)?(?:的)?验证码|访问(?:过于|太)频繁"
    r"|检测到(?:您的)?(?:网络|访问)(?:环境)?(?:存在)?异常",
    re.IGNORECASE | re.MULTILINE,
)
"""What bot protection and captchas of large sites say in place of a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptSignals:
    """What in the source of a page says that scripts write it."""

    has_scripts: bool
    is_app_shell: bool
    """Whether the element that frameworks fill is there and holds next to nothing."""
    noscript: str
    """The text for browsers without scripts."""
    has_form: bool = False
    asks_password: bool = False
    has_script_redirect: bool = False
    """Whether a script of the page itself sets the address."""


def read_script_signals(root: etree._Element, elements: list[etree._Element]) -> ScriptSignals:
    """Return the signals of a parsed page. Call it before anything is removed from the page.

    `elements` are all of its elements: to walk over a list is faster than over the tree.
    """
    return ScriptSignals(
        has_scripts=root.find(".//script") is not None,
        is_app_shell=any(
            _holds_less_than(MAX_PLACEHOLDER, element)
            for element in [each for each in elements if each.get("id") in _MOUNT_POINTS]
        ),
        noscript=" ".join(map(text_of, root.iter("noscript"))),
        has_form=root.find(".//form") is not None
        or root.find(".//button") is not None
        or any(_LOG_IN.search(link.get("href", "")) for link in root.iter("a")),
        asks_password=any(each.get("type") == "password" for each in root.iter("input")),
        has_script_redirect=any(
            _SCRIPT_REDIRECT.search(script.text or "") for script in root.iter("script")
        ),
    )


def _holds_less_than(limit: int, place: etree._Element) -> bool:
    """Return whether a reader sees fewer than `limit` characters in `place`.

    Looks no further than it must: the element may hold the whole page.
    """
    count = 0
    walk = etree.iterwalk(place, events=("start", "end"))
    for event, element in walk:
        if event == "start":
            if not is_seen(element):
                walk.skip_subtree()
                continue
            piece = element.text
        else:
            piece = None if element is place else element.tail
        count += len(" ".join((piece or "").split()))
        if count >= limit:
            return False
    return True


def needs_browser(signals: ScriptSignals, *, title: str, text: str) -> bool:
    """Return whether a browser would see more of a page than this `text`."""
    if len(text.encode()) > MAX_NOTICE:
        return False
    if _CHALLENGE.search(f"{title}\n{text}"):
        return True
    if is_interstitial(
        title,
        text,
        has_controls=signals.has_scripts or signals.has_form,
        has_script_redirect=signals.has_script_redirect,
    ):
        return True
    if not signals.has_scripts:
        return False
    # Nearly every page has scripts, and many have a <noscript> for a counting pixel: only a notice
    # in it, an empty app or an empty page is a reason to pay for a browser.
    asks_for_scripts = _SCRIPT_NOTICE.search(text) or _SCRIPT_NOTICE.search(signals.noscript)
    return signals.is_app_shell or not text.strip() or bool(asks_for_scripts)
