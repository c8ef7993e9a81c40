"""Pages that show nothing until a browser has run their scripts, or has been let in."""

import re
from dataclasses import dataclass

from lxml import etree

from ingest.extract.dom import text_of
from ingest.extract.markdown import markdown

STAGE = 125  # characters; an element that scripts fill holds less before they do
NOTICE = 400  # bytes of text; a challenge says no more, an article about one does

_MOUNT_POINTS = "//*[@id='app' or @id='root' or @id='__next' or @id='__nuxt' or @id='___gatsby']"
_WANTS_SCRIPT = re.compile(
    r"(?:enable|activate|requires?|need|without|turn on)\W+(?:\w+\W+){0,4}java\s?script"
    r"|java\s?script\W+(?:\w+\W+){0,4}(?:enabled?|disabled|required|turned off)"
    r"|(?:启用|开启|打开|啟用|開啟|不支持|禁用)\W{0,2}(?:了|您的|浏览器的)?\W{0,2}java\s?script"
    r"|java\s?script\W{0,3}(?:未启用|已禁用|被禁用)"
    r"|^\W*(?:loading|please wait|加载中|正在加载|载入中|请稍候|请稍等)\W*$",
    re.IGNORECASE | re.MULTILINE,
)
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
"""What the shields of big sites and their captchas say in place of a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarePage:
    """What of a page tells whether it waits for scripts."""

    has_scripts: bool
    is_bare: bool
    """Whether the element that frameworks fill is there and holds next to nothing."""
    asides: str
    """What is said to browsers without scripts."""


def bare_page_signals(root: etree._Element) -> BarePage:
    """Look at a parsed page before anything is taken out of it."""
    return BarePage(
        has_scripts=root.find(".//script") is not None,
        is_bare=any(len(markdown(place)) < STAGE for place in root.xpath(_MOUNT_POINTS)),
        asides=" ".join(map(text_of, root.iter("noscript"))),
    )


def waits_for_browser(stage: BarePage, *, title: str, text: str) -> bool:
    """Tell whether a page with as little `text` as this has more to show to a browser."""
    if len(text.encode()) > NOTICE:
        return False
    if _CHALLENGE.search(f"{title}\n{text}"):
        return True
    if not stage.has_scripts:
        return False
    says_so = _WANTS_SCRIPT.search(text) or _WANTS_SCRIPT.search(stage.asides)
    return stage.is_bare or not text.strip() or bool(says_so)
