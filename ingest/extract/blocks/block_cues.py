"""What classes, ids and openings of lines say of a block, in the languages of the web.

Signs for `ingest.extract.blocks.block_model`, which weighs them; those that decide alone are in
`ingest.extract.blocks.page_chrome`.
"""

import re

from ingest.extract.blocks.page_chrome import PAGE_CHROME_NAMES

CHROME_NAMES = PAGE_CHROME_NAMES | frozenset(
    {
        "abo", "anuncio", "anzeige", "app", "avatar", "banner", "banquan", "bio", "biography",
        "bread", "caidan", "compartir", "cookies", "crumb", "daohang", "dibu", "download",
        "erweima", "feedback", "fenxiang", "follow", "foot", "gdpr", "guanggao", "hot", "like",
        "login", "logo", "navi", "navigation", "next", "pager", "pages", "partage", "paywall",
        "pinglun", "poll", "prev", "pub", "publicite", "qrcode", "rank", "rating", "ratings",
        "register", "registration", "subnav", "subscriber", "teaser", "teasers", "teilen", "toc",
        "tool", "tools", "top10", "topnav", "tuijian", "vote", "werbung", "widget", "widgets",
        "xiangguan",
    }
)  # fmt: skip
"""Names of page chrome that a whole text may bear as well: a sign here, and no rule."""
NAME_FAMILIES = {
    "lead": frozenset(
        {
            "abstract", "bajada", "catenaccio", "chapeau", "chapo", "copete", "daoyu", "deck",
            "dek", "description", "einleitung", "entradilla", "excerpt", "hero", "intro",
            "introduction", "kicker", "lead", "leads", "lede", "lid", "occhiello", "preface",
            "sapo", "sommario", "standfirst", "subhead", "subheadline", "subline", "subtitle",
            "subtitular", "sumario", "summary", "tagline", "teaser", "untertitel", "volanta",
            "vorspann", "zhaiyao",
        }
    ),
    "text": frozenset(
        {
            "article", "articolo", "artikel", "beitrag", "body", "content", "contenido",
            "contents", "copy", "corps", "cuerpo", "detail", "entry", "inhalt", "main", "neirong",
            "nota", "noticia", "paragraph", "post", "prose", "rich", "richtext", "rte", "single",
            "story", "text", "texte", "texto", "wenzhang", "wysiwyg", "zhengwen",
        }
    ),
    "caption": frozenset(
        {
            "bild", "bildunterschrift", "caption", "credit", "credits", "figcaption", "figure",
            "foto", "galerie", "gallery", "image", "img", "legend", "legende", "media", "photo",
            "picture", "slideshow", "thumb", "video", "wp",
        }
    ),
    "comment": frozenset(
        {
            "comentario", "comentarios", "comm", "comment", "commentaire", "commentaires",
            "comments", "disqus", "kommentar", "kommentare", "liuyan", "pinglun", "replies",
            "reply", "respond", "response", "review", "reviews",
        }
    ),
    "call": frozenset(
        {
            "abo", "ad", "ads", "advert", "alert", "anzeige", "banner", "consent", "cookie",
            "cookies", "cta", "disclaimer", "donate", "donation", "join", "login", "modal",
            "newsletter", "notice", "offer", "overlay", "paywall", "popup", "premium", "price",
            "product", "promo", "register", "share", "sharing", "shop", "signup", "social",
            "sponsor", "sponsored", "subscribe", "support",
        }
    ),
}  # fmt: skip
"""Words of classes and ids, in the languages of the web, by what they say an element is."""
CAPTION_START = re.compile(
    r"^\W*(?:foto|photo|bild|image|picture|crédits?|credit|quelle|source|fuente|copyright|©"
    r"|abb(?:ildung)?|figure|fig|getty|imago|afp|dpa|reuters|图|图片|图源|圖|摄影|video)\b",
    re.IGNORECASE,
)
_CAPTION_SIGN = re.compile(
    r"\b(?:foto|photo|bild|credit|crédits?|getty|imago|afp|dpa|reuters|shutterstock|istock"
    r"|symbolbild|archiv(?:bild|foto)?)\b|©|图源|摄",
    re.IGNORECASE,
)
_SIGNATURES = (
    *("foto", "photo", "bild", "credit", "crédit", "getty", "imago", "afp", "dpa", "reuters"),
    *("shutterstock", "istock", "archiv", "©", "图源", "摄"),
)
"""One of these is in whatever `_CAPTION_SIGN` finds, and most blocks hold none."""
POINTER_START = re.compile(
    r"^\W*(?:mehr\b|weiter|lesen sie|lies|read|see|also|auch|voir|lire|lisez|à lire|lee|leer|leggi"
    r"|lea|siehe|more|watch|check out|discover|click|klick|hier\b|here|zum |zur |zurück|back|retour"
    r"|ver\b|más|passend|das könnte|related|similar|ähnlich|weitere|verwandt|artículos|articles"
    r"|beiträge|jetzt|next|previous|nächst|vorherig|更多|相关|推荐|点击|查看|阅读|上一|下一|返回|延伸)",
    re.IGNORECASE,
)
_CALLS = (
    *("newsletter", "subscri", "abonn", "abo ", "anmeld", "registr", "sign up", "signup", "log in"),
    *("login", "einlogg", "e-mail", "email", "spende", "donat", "unterstütz", "folge", "follow"),
    *("facebook", "twitter", "instagram", "whatsapp", "telegram", "linkedin", "youtube"),
    *("download", "app ", "kostenlos", "gratis", "premium", "free", "join", "share", "teilen"),
    *("partage", "compart", "like", "bewert", "kommentar", "comment", "coment", "advert"),
    *("anzeige", "werbung", "affiliate", "publicité", "cookie", "datenschutz", "privacy"),
    *("consent", "javascript"),
)
_CHINESE_CALLS = (
    *("关注", "扫码", "二维码", "公众号", "下载", "客户端", "登录", "注册", "订阅", "分享"),
    *("评论", "版权", "免责", "声明", "编辑", "责编", "转载", "微信", "微博"),
)


def calls_on_reader(text: str) -> bool:
    """Return whether `text` calls on the reader: to follow, to pay, to agree."""
    # A search for sixty plain words takes a tenth of what their alternation in a pattern does.
    holds = f"{text.lower()} ".__contains__
    return any(map(holds, _CALLS)) or (not text.isascii() and any(map(holds, _CHINESE_CALLS)))


def is_signed_caption(text: str) -> bool:
    """Return whether `text` names a photographer or an agency, as captions do."""
    return any(map(text.lower().__contains__, _SIGNATURES)) and bool(_CAPTION_SIGN.search(text))
