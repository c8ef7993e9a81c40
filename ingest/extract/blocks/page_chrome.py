"""Rules for page chrome, all that stands around a text: navigation, advertisements, bylines.

Elements are judged by the names of their classes and ids, split into words, so that "ad" is not
found in "header". Lines are judged by how they begin, only at the edges of a text and only if they
are short: "Share this" is no page chrome in the middle of a sentence.
"""

import functools
import re

from lxml import etree

from ingest.text.cjk import CJK

PAGE_CHROME_TAGS = frozenset(
    {"aside", "dialog", "figcaption", "footer", "form", "header", "menu", "nav"}
)
PAGE_CHROME_NAMES = frozenset(
    {
        "ad", "ads", "advert", "advertisement", "ambox", "breadcrumb", "breadcrumbs", "byline",
        "caption", "comment", "comments", "consent", "cookie", "copyright", "disclaimer", "footer",
        "gallery", "latest", "lightbox", "menu", "modal", "nav", "newsletter", "outbrain",
        "overlay", "pagination", "popup", "popular", "print", "promo", "promos", "pushdown",
        "readmore", "recommend", "recommendations", "recommended", "related", "share", "sharing",
        "sidebar", "signup", "social", "sponsor", "sponsored", "subscribe", "subscription",
        "taboola", "tags", "toolbar", "trending",
    }
)  # fmt: skip
_FEET = frozenset({"foot", "footer", "copyright", "beian", "banquan", "icp"})
_AUTHOR_NAMES = frozenset({"author", "poster", "nickname", "user", "username"})
_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")  # a word of "siteHeader", "site-header", "SITE_HEADER"

_POINTER_LABEL = re.compile(
    r"""(?:also\s(?:on|read|see|watch)|don['’]?t\smiss|further\sreading|more(?:\s(?:from|on|stories))?
    |read\s(?:also|more|next|this)|recommended|related(?:\s(?:articles?|content|links?|posts?
    |reading|stories|topics))?|see\s(?:also|more)|what\sto\sread\snext|you\s(?:may|might)\salso\slike
    |leggi\sanche|lee\stambién|leia\s(?:mais|também)|lesen\ssie\sauch|lire\saussi|mehr\szum\sthema
    |相[关關](?:阅读|閱讀|文章|新闻|新聞|推荐|推薦|报道|報導|链接)|(?:延伸|推荐|扩展|热门)(?:阅读|文章|推荐)|猜你喜欢
    |大家(?:都在看|还看了|还买了)|看了又看|(?:热门|为[您你]|更多)推荐|customers\s(?:who|also)\s.{0,40}
    |更多(?:阅读|文章|新闻|精彩)|上一[篇页]|下一[篇页]|関連(?:記事|リンク)|あわせて読みたい)\b""",
    re.IGNORECASE | re.VERBOSE,
)
MAX_NAMES = 500
"""Characters of a class or an id that are looked at. Utility-first CSS writes hundreds; the name
that says what an element is for comes early."""
_LINE_AFTER_TEXT = re.compile(
    r"""©|copyright|all\srights\sreserved|share\s(?:this|on|it|via)\b|like\sthis\s(?:story|article|post)
    |follow\s(?:us|me|@?\w+\son)|tell\sus\swhat|sign\sup|subscribe|newsletter|leave\sa\s(?:comment|reply)
    |(?:\d+\s)?comments?\b|filed\sunder|tags?\b|tagged\b|categor(?:y|ies)\b|sources?:|write\sto|contact\sus
    |reach\sthe|(?:reporting|editing|additional\sreporting)\sby|order\sreprints|an\serror\s|thank\syou\sfor
    |back\sto\stop|advertisement\b|comentários|kommentare|commentaires
    |版权|版權|著作[权權]|转载|轉載|未经(?:授权|许可)|禁止(?:转载|轉載|复制|複製|任何)|责任编辑|責任編輯|责编|[（(\[【]?(?:编辑|編輯)[:：]|来源[:：]
    |來源[:：]|标签[:：]|(?:文章)?关键词(?=\s?[:：]|\s|$)|分享(?:到|至|给|：)|扫(?:码|一扫|描)|(?:长按|识别).{0,6}二维码|(?:欢迎)?关注(?:我们|微信|公众号|“)
    |.{0,60}(?:扫描?(?:二维码|码)|长按二维码)关注[^，,。；;]{0,20}\W*$|微信公众号|点赞|收藏(?![级家品馆者])|举报(?![人者电])|打赏|我要评论|发表评论|网友评论|评论\b|返回(?:顶部|首页)|打印(?![机纸店头件])|本文(?:地址|链接|来源|转自)
    |(?:点击|立即|扫码)?下载[“"「]?.{0,16}(?:客户端|APP\b)|本文[系为][^，,。；;]{0,30}(?:原创|独家|授权)[^，,。；;]{0,12}(?:[，,。；;]\s?(?:未经|未获|转载|版权|不得|禁止|如需|谢绝|请勿)|\W*$)|原文(?:链接|地址|标题)|(?:免责|特别|郑重|新浪|本站|本网)?声明[:：]|上一[篇页]|下一[篇页]|阅读原文""",
    re.IGNORECASE | re.VERBOSE,
)
_LINE_BEFORE_TEXT = re.compile(
    r"""(?:by|von|par|por)\s\S|(?:last\s)?(?:updated|published|posted|modified)\b|share\b|print\b
    |\d+\s(?:comments?|shares?|min(?:ute)?s?\sread)
    |(?:作者|记者|編輯|编辑|来源|來源|发布时间|发布日期|发表时间|更新时间|时间|日期|字号|阅读|浏览|点击)[量数次]?\s?[:：]
    |分享(?:到|至)""",
    re.IGNORECASE | re.VERBOSE,
)
_FACT_LABEL = re.compile(
    r"""(?:(?:活动|考试|会议|报名|举办|开放|演出|办理|讲座|比赛|培训|截止|开始)?(?:时间|日期|地点|地址|截止)
    |when|where|dates?|time|place|venue|location)\s?[:：]""",
    re.IGNORECASE | re.VERBOSE,
)
"""Labels of a notice: when and where something takes place. Alone it may be the page's own day."""
_TIME_SPAN = re.compile(
    r"\d\s?(?:[至到—–~～-]|bis|to|until)\s?(?:\d{1,2}[:：时點点月日]|20\d\d年|\w+day)",
    re.IGNORECASE,
)
"""From one time to another: a page appears at one."""
_VALIDITY = re.compile(
    r"(?:valid|effective|in\sforce|applies|applicable|gültig|valable|válido)\b|自.{0,14}起|.{0,12}(?:起施行|起执行|生效)",
    re.IGNORECASE,
)
"""Since when a timetable, a fee or a rule holds: no day of a page."""
_EDITOR = rf"(?:[{CJK}]{{2,4}}|[A-Za-z][A-Za-z.\- ]{{1,20}})(?:[_ ]?[A-Z]{{1,4}}\d{{1,6}})?"
_SIGNED = re.compile(
    r"\W{0,2}(?:本文)?(?:责任编辑|責任編輯|责编)\s?[:：]\s?(?!.*(?:[名位人]|学历|若干|不限))"
    rf"(?:{_EDITOR}(?:[\s、，,/|]+(?:[{CJK}]{{2,4}}\s?[:：]\s?)?{_EDITOR}){{0,4}})?\W*$"
)
"""The editor by name, or before the name; "责任编辑：四名，硕士学历" is a vacancy."""
_DETAIL_LABEL = re.compile(
    r"""ISBN\b|(?:定价|售价|价格|书号|开本|印数|印张|页数|字数|版次|装帧(?:设计)?|出版社|联系人|截止(?:时间|日期)?
    |(?:报名|咨询|联系|预约|订购|订票)?(?:电话|邮箱|方式))\s?[:：]""",
    re.IGNORECASE | re.VERBOSE,
)
"""Labels of a colophon, and of how to take part: below an editor's name, too."""
_COMPILED_FROM = re.compile(r"\W{0,2}(?:本文)?(?:综合|整理|摘编|编译|改编|摘|选){1,2}自")
_ATTACHMENT = re.compile(
    r"(?:^附件.{0,60}|\.(?:docx?|xlsx?|pptx?|pdf|wps|et|ofd|zip|rar))\W{0,3}(?:(?:已?下载|download)\W*\d*\s?次?)?\W*$",
    re.IGNORECASE,
)
_AUTHORITY = re.compile(
    r"人民法院$|人民检察院$|人民政府$|委员会$|办公[厅室]$|仲裁院$|[\u4e00-\u9fff]{3}[局厅]$|^[代理助人民\s]{0,4}审\s*判\s*[长员]|^书\s*记\s*员|^法官助理"
    r"|^(?:民|刑|行)\s*事\s*(?:判\s*决|裁\s*定|调\s*解)\s*书|^二[〇○Ｏ零][〇○一二三四五六七八九十零]{2}年.{1,3}月.{1,3}日$"
    r"|^20\d\d\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?日$"
)
"""The first and last lines of judgments and notices: who, what it is, the day."""
_DISCLAIMER = re.compile(
    r"""(?:特别|免责|郑重|版权|平台)?声明\s?[:：].{0,200}(?:平台|本站|本网|网站|版权|转载|立场|侵权|删除)
    |(?:本文|以上|该文|文章|本内容)[^。]{0,60}(?:仅代表|不代表)[^。]{0,60}(?:观点|立场).{0,80}$
    |本文由.{0,24}(?:上传|发布).{0,40}(?:仅提供|不代表|仅代表)
    |(?:notice|disclaimer)\s?:.{0,300}(?:posted\sby|uploaded|platform|views|opinions|responsib|liab)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""What portals put below the texts of their users, at any length."""
_LEGAL_LINE = re.compile(
    r"©|copyright|all\srights|版权|版權|著作[权權]|未经|禁止|责任编辑|責任編輯|责编|声明|上一[篇页]|下一[篇页]",
    re.IGNORECASE,
)
_IMPRINT = re.compile(
    r"ICP[备證证]|公网安[备備]|网站标识码|互联网新闻信息服务许可|版权所有"
    r"|©|\bcopyright\b|all rights reserved",
    re.IGNORECASE,
)
_COMMENTS_LABEL = re.compile(
    r"\W*(?:(?:热门|最热|网友|最新|全部|精彩|用户)(?:评论|跟贴|跟帖|留言)|评论区?"
    r"|(?:\d* |reader )?comments?)"
    r"\W*(?:\d+\W*(?:条|則)?\W*)?",
    re.IGNORECASE,
)
_MIN_FACT = 4  # digits outside dates: a year, a telephone number; "Comments (12)" has fewer
_DATE = re.compile(
    r"""\d{1,2}[./]\d{1,2}[./]\d{4}|\d{4}[-./年]\s?\d{1,2}[-./月]\s?\d{1,2}
    |\d{1,2}\.?\s(?:de\s)?\w{3,9}\.?,?\s(?:de\s)?\d{4}|\w{3,9}\.?\s\d{1,2}(?:st|nd|rd|th)?,?\s\d{4}""",
    re.IGNORECASE | re.VERBOSE,
)
_SENTENCE_END = re.compile(r"(?<!\b[ap]\.m)[.!?。！？][”’」』）\"')\]]*$", re.IGNORECASE)
"""The end of a sentence; "7 a.m." is none."""
_MAX_LINE_BYTES = 160
"""Bytes, because an ideograph says as much as three letters; no line of page chrome is longer."""
_DATE_LINE = 60
"""Characters; so short with a date in it, a line says when and perhaps by whom."""


def is_page_chrome(element: etree._Element) -> bool:
    """Return whether tag, class or id of `element` say that it is page chrome."""
    return element.tag in PAGE_CHROME_TAGS or not PAGE_CHROME_NAMES.isdisjoint(class_words(element))


def is_foot(element: etree._Element) -> bool:
    """Return whether tag, class or id of `element` say that it is the foot of the page."""
    return element.tag == "footer" or not _FEET.isdisjoint(class_words(element))


def names_author(element: etree._Element) -> bool:
    """Return whether class or id of `element` say that it names an author."""
    return not _AUTHOR_NAMES.isdisjoint(class_words(element))


def is_pointer_label(text: str) -> bool:
    """Return whether `text` is nothing but "Related:" and the like."""
    label = _POINTER_LABEL.match(text)
    return label is not None and not any(map(str.isalnum, text[label.end() :]))


def starts_with_pointer_label(text: str) -> bool:
    """Return whether `text` begins like "Related: another page"."""
    return _POINTER_LABEL.match(text) is not None


def is_line_before_text(text: str) -> bool:
    """Return whether a line before a text says who, when or how to share, and not what."""
    return len(text) <= _MAX_LINE_BYTES and _is_line_before(text)


# Each rule asks for the same lines again, as do the pages of one site: menus, labels, days.
@functools.lru_cache(maxsize=4096)
def _is_line_before(text: str) -> bool:
    # "Published in 1962, the book …." begins like a line of page chrome, but is a sentence.
    if (
        len(text.encode()) > _MAX_LINE_BYTES
        or _SENTENCE_END.search(text)
        or _TIME_SPAN.search(text)
        or _VALIDITY.match(text)
    ):
        return False
    return bool(_LINE_BEFORE_TEXT.match(text) or (len(text) <= _DATE_LINE and _DATE.search(text)))


def signs_article(text: str) -> bool:
    """Return whether a line names the editor in charge, with which Chinese news ends."""
    return len(text) <= _DATE_LINE and _SIGNED.match(text) is not None


def names_origin(text: str) -> bool:
    """Return whether a line says which reports a text was compiled from."""
    return len(text) <= _DATE_LINE and _COMPILED_FROM.match(text) is not None


def is_sentence(text: str) -> bool:
    """Return whether a line ends as a sentence does."""
    return _SENTENCE_END.search(text) is not None


def labels_detail(text: str) -> bool:
    """Return whether a line is labelled as a fact of a book or an event: price, place."""
    return labels_fact(text) or _DETAIL_LABEL.match(text) is not None


def names_attachment(text: str) -> bool:
    """Return whether a line is nothing but the name of a file that a notice comes with."""
    return len(text.encode()) <= _MAX_LINE_BYTES and _ATTACHMENT.search(text) is not None


def labels_fact(text: str) -> bool:
    """Return whether a line is labelled as the time or the place of something."""
    return _FACT_LABEL.match(text) is not None


def names_authority(text: str) -> bool:
    """Return whether a line says who issued an official document, of what kind it is, and when."""
    return len(text) <= _DATE_LINE and _AUTHORITY.search(text) is not None


def is_line_after_text(text: str) -> bool:
    """Return whether a line after a text is about copyright, sharing or comments.

    One that gives a number besides is what a notice ends with: whom to call, until when.
    """
    if _DISCLAIMER.match(text):
        return True
    if len(text.encode()) > _MAX_LINE_BYTES:
        return False
    if starts_with_pointer_label(text):
        return True
    return bool(_LINE_AFTER_TEXT.match(text)) and not _holds_fact(text)


def is_imprint(text: str) -> bool:
    """Return whether a line is that of a site's foot: its licence, its number, its copyright."""
    return len(text.encode()) <= _MAX_LINE_BYTES and _IMPRINT.search(text) is not None


def heads_comments(text: str) -> bool:
    """Return whether a heading is that of the readers' comments."""
    return len(text) <= _DATE_LINE and _COMMENTS_LABEL.fullmatch(text) is not None


def is_line_with_fact(text: str) -> bool:
    """Return whether a line begins like one after a text, and gives a number besides."""
    is_line = len(text.encode()) <= _MAX_LINE_BYTES and _LINE_AFTER_TEXT.match(text) is not None
    return is_line and _holds_fact(text)


def _holds_fact(text: str) -> bool:
    if _LEGAL_LINE.search(text):
        return False
    if _SENTENCE_END.search(text) and any(map(str.isdigit, text)):
        return True
    return sum(map(str.isdigit, _DATE.sub("", text))) >= _MIN_FACT


def class_words(element: etree._Element) -> frozenset[str]:
    """Return the words in class and id of `element`, lower case."""
    names = f"{element.get('class', '')[:MAX_NAMES]} {element.get('id', '')[:MAX_NAMES]}"
    return _words_of(names) if len(names) > 1 else frozenset()


# The rules ask for the same few classes over and over, and so do the pages of one site.
@functools.lru_cache(maxsize=4096)
def _words_of(names: str) -> frozenset[str]:
    # Zhihu's answers are of the class "CopyrightRichText-richText".
    names = names.replace("CopyrightRichText", "")
    return frozenset(word.lower() for word in _NAME.findall(names))
