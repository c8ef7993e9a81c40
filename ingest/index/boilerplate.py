"""Blocks that belong to the site and not to the page: menus, notices, calls to action.

Recognized by phrases, in English and Chinese, and only where they fill the block: a paragraph about
cookies is no cookie notice. Such a block is ranked lower, never dropped.
"""

import re

from ingest.text.tokens import estimate_tokens

PHRASE_TOKENS = 36
"""Tokens for each of which a notice has a typical phrase; prose about it has fewer phrases.

The three limits in tokens were 30, 6 and 30 when every five letters and every mark counted as one
token. The present estimate counts 1.2 times as many in short blocks (of the 12,721 blocks of 93
articles and other pages), so the limits grew by that. On those pages they find 108
blocks of the site as before, lose 2 and find 5 more, 4 of them rightly; of 1,889 paragraphs that
people marked as text they take the same 7. In the smallest budget of bench/pruning.py .957 of the
Chinese answers are kept; .890 were with the old estimate, .867 with the old limits on the new one.
"""

MENU_ITEMS = 3
ITEM_TOKENS = 7
"""Least items of a menu, and most tokens of each of them."""

TITLE_TOKENS = 36
"""Longest title of another page."""

_NOTICE = re.compile(
    r"\b(?:(?:uses?|accept|reject|manage|necessary) (?:all |your )?cookies|(?:accept|reject) all"
    r"|cookie (?:policy|settings)|privacy policy|terms (?:of (?:use|service)|(?:and|&) conditions)"
    r"|all rights reserved|copyright (?:©|\(c\)|[12]\d{3})|(?:sign|log) ?(?:in|up)\b"
    r"|create an account|subscribe (?:now|to|today)|newsletter|share (?:this|on|via)|follow us"
    r"|tweet this|(?:read|show|load|view) (?:more|all)|back to top|skip to (?:main )?content"
    r"|advertisement|sponsored|leave a (?:comment|reply)|print this|enable javascript|powered by)"
    r"|©|版权所有|保留所有权利|未经(?:授权|许可)|转载请|免责声明|隐私(?:政策|协议)|用户协议|服务条款"
    r"|(?:使用|接受|全部)\s*cookie|立即(?:登录|注册|订阅|下载)|登录后|注册账号|(?:点击|马上|欢迎)订阅"
    r"|分享(?:到|至)|扫一扫|扫码|二维码|关注(?:我们|公众号|微信)|公众号|点赞|上一篇|下一篇"
    r"|返回(?:顶部|首页)|责任编辑|责编|举报|ICP[备证]|公网安备|阅读(?:更多|全文)|查看更多"
    r"|下载(?:APP|客户端)|打开APP|广告",
    re.IGNORECASE,
)
_MENU_LABEL = re.compile(
    r"home(?:page)?|about(?: us)?|contact(?: us)?|log ?in|sign ?(?:in|up)|register|search|menu|help"
    r"|faq|careers|jobs|news|blog|shop|cart|subscribe|privacy|terms|sitemap|rss|facebook|twitter|x"
    r"|instagram|youtube|linkedin|wechat|weibo"
    r"|首页|主页|关于(?:我们)?|联系(?:我们)?|登录|注册|搜索|菜单|帮助|新闻|博客|商城|购物车|订阅|更多"
    r"|隐私|条款|网站地图|微博|微信|我的|设置|招聘|加入我们|友情链接",
    re.IGNORECASE,
)
_OTHER_PAGES = re.compile(
    r"(?:related|recommended|popular|trending|latest|most read|more)\b.{0,12}"
    r"\b(?:articles?|posts?|stories|news|reading|reads?|pages|topics|links)"
    r"|you (?:may|might) also (?:like|enjoy)|read (?:next|more)|more from .{1,40}"
    r"|most (?:read|popular)|share this.*|follow us|tags"
    r"|(?:相关|推荐|热门|延伸|最新|更多)(?:阅读|文章|新闻|推荐|内容|资讯|话题|链接)"
    r"|猜你喜欢|大家都在看|友情链接|标签|热搜(?:榜)?|排行榜",
    re.IGNORECASE,
)
_ITEM_END = re.compile(r"\n+|\s+[|·•>»›/]\s+|\s*\|\s*")
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d+\.)\s+")


def is_boilerplate(text: str, *, heading: str = "") -> bool:
    """Return whether a block is a menu, a notice, or titles under a heading like "Related"."""
    if _OTHER_PAGES.fullmatch(heading.strip(" :：#")):
        # Titles only: the heading of a sidebar also stands over the text that follows it.
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        if all(estimate_tokens(line) <= TITLE_TOKENS for line in lines):
            return True
    phrases = len(_NOTICE.findall(text))
    if phrases > 0 and estimate_tokens(text) <= PHRASE_TOKENS * phrases:
        return True
    items = [_BULLET.sub("", item).strip() for item in _ITEM_END.split(text)]
    items = [item for item in items if item]
    if len(items) < MENU_ITEMS or any(estimate_tokens(item) > ITEM_TOKENS for item in items):
        return False
    # A third: menus also hold names of the site's own sections, which no list can know.
    labels = sum(_MENU_LABEL.fullmatch(item) is not None for item in items)
    return 3 * labels >= len(items)
