"""Recognizes what stands in place of a page: a check, a denial, a line that leads elsewhere.

They come with status 200 and change their words every year, so words alone do not tell them. What
all share is their shape: hardly any text, and a script or a form that is to do something. Within
that shape a word of denial or of waiting is enough; without one, a script that sets the address.
"""

import re

MAX_BYTES = 320
"""UTF-8 bytes of title and text: 100 ideographs, 50 English words. A notice that people are meant
to read, say on opening hours, is as short, but has none of the words."""
MAX_LINK_LABELS = 90
"""Bytes of a page whose script goes elsewhere: the names of some languages, "Redirecting…"."""

_WORDS = re.compile(
    r"(?:环境|網絡|网络|访问|請求|请求|操作|流量|行为|账号|ip)\S{0,14}(?:异常|異常|频繁|頻繁|受限|过快|风险|不给力)"
    r"|(?:异常|異常|频繁|可疑)\S{0,6}(?:访问|訪問|请求|流量|操作|行为)"
    r"|(?:完成|通过|进行|需要|继续|點擊|点击|请)\S{0,8}(?:验证|驗證|校验)|(?:安全|人机|滑动|身份|访问)(?:验证|驗證|检查)"
    r"|(?:访问|请求)\S{0,4}(?:被|已被)\S{0,6}(?:阻断|拦截|拒绝|禁止)|安全威胁"
    r"|不是机器人|(?:内容|文章|页面|視頻|视频|帖子)\S{0,8}(?:已被|因)\S{0,12}(?:删除|屏蔽|无法查看)"
    r"|(?:正在|即将|页面)\S{0,4}(?:跳转|跳轉)"
    r"|(?:请在|請在|请使用)\S{0,8}(?:客户端|浏览器|瀏覽器)\S{0,4}(?:打开|访问)"
    r"|\b(?:enable|activate|allow|turn on|disable)\b[\w ,]{0,40}"
    r"\b(?:js|java ?script|cookies?|ad ?blockers?)\b"
    r"|\bredirecting\b|\b(?:you|page)\b[\w ']{0,20}\bredirected\b|\b(?:not )?a robot\b"
    r"|\bverif(?:y|ying|ication)\b[\w ,']{0,40}"
    r"\b(?:human|person|robot|browser|identity|continue|required)\b"
    r"|\b(?:unusual|suspicious|automated) (?:traffic|activity|requests?|queries)\b"
    r"|\b(?:access|request)(?: to this (?:page|site|resource))?"
    r" (?:has been |was |is )?(?:denied|blocked)\b"
    r"|\b(?:checking|security check)\b[\w ,]{0,30}\b(?:browser|connection)\b"
    r"|\b(?:18|21)\b[\w ,]{0,12}\b(?:or older|or over|years old|years of age)\b"
    r"|(?:未满|未滿|已满|已滿|年满|年滿)\s?(?:18|十八)",
    re.IGNORECASE,
)
"""What checks and redirects say, in whatever order they say it this year."""


_ALONE = re.compile(
    r"\W*(?:请|請)(?:在|使用)\S{0,8}(?:客户端|客戶端|浏览器|瀏覽器|app)\S{0,4}(?:打开|打開|访问|查看)\S{0,6}\W*"
    r"|\W*(?:该|此)(?:内容|文章|帖子)\S{0,4}被\S{2,8}(?:删除|刪除|屏蔽)\W*"
    r"|\W*please (?:open|view) (?:this|the) (?:page|link) in [\w ]{2,30}\W*",
    re.IGNORECASE,
)
"""What leaves no doubt where it is all that a page says, also on one without a script."""
_MISSING_TITLE = re.compile(
    r"\W*(?:error\W{1,3})?404(?:\W{1,3}error)?(?:\W*$|\W{1,3}(?:page )?(?:is |was )?not found\b.*"
    r"|\s?[-–—|:·_].*)"
    r"|\W*(?:(?:sorry|oops)\W{1,3})?(?:the |this |that )?(?:requested )?page (?:you [\w ]{1,30})?"
    r"(?:was |could )?(?:not (?:be )?found|does not exist|doesn['’]t exist)\b.{0,60}"
    r"|\W*(?:sorry\W{1,3})?we can(?:not|['’]t) find (?:the|that|this) page\b.{0,60}"
    r"|\W*seite (?:wurde )?nicht gefunden\b.{0,60}|\W*page introuvable\b.{0,60}"
    r"|\W*página no encontrada\b.{0,60}"
    r"|\W*(?:(?:很|非常)?抱歉|对不起|對不起)?\W*(?:[您你]\S{0,8}的|该|該|此|当前|當前|这个|這個)?"
    r"(?:页面|頁面|网页|網頁|文章|内容|內容|帖子|商品|视频|視頻|链接|連結)"
    r"\s?(?:不存在|找不到|未找到|已经?(?:被)?(?:删除|刪除|下架)|走丢)了?(?:或\S{0,12})?\W*"
    r"|\W*(?:该|此)(?:内容|文章|帖子|账号|公众号|链接)\S{0,16}(?:无法查看|已过期|已失效|已被屏蔽)\W*"
    r"|\W*(?:抱歉\W*)?(?:找不到|没有找到|無法找到)\S{0,8}(?:页面|頁面|网页|網頁)了?\W*",
    re.IGNORECASE,
)
"""A whole line: "room 404", a Peugeot 404 or 商品已下架请联系客服 are no missing page."""


def says_missing(title: str, text: str) -> bool:
    """Return whether a page says that there is no such page, with the status of one that is."""
    if len(text.encode()) > MAX_BYTES:
        return False
    return any(_MISSING_TITLE.fullmatch(line) for line in (title, *text.splitlines()))


def is_interstitial(
    title: str, text: str, *, has_controls: bool, has_script_redirect: bool
) -> bool:
    """Return whether a page of this title and text stands in place of another.

    Args:
        title: of the page.
        text: all that a reader sees.
        has_controls: whether the page has a script or a form.
        has_script_redirect: whether one of its scripts sets the address.
    """
    if _ALONE.fullmatch(text):
        return True
    if not has_controls:
        return False
    shown = f"{title}\n{text}" if title not in text else text
    size = len("".join(text.split()).encode())
    if has_script_redirect and size <= MAX_LINK_LABELS:
        return True
    return len(shown.encode()) <= MAX_BYTES and _WORDS.search(shown) is not None
