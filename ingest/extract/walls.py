"""Pages that show a wall in place of their text: pay, log in, or consent to being tracked.

Judged by what is left of the text beside the lines of the wall, not by a phrase alone: an article
about cookies and one that ends with "Already a subscriber?" are articles.
"""

import re
from typing import Literal

from lxml import etree

Wall = Literal["paywall", "consent_wall"]

MIN_LEAD = 400
"""Bytes of text before a wall that are worth keeping: two sentences, 130 ideographs."""
MAX_WALL = 4000
"""Bytes of text of a page that is a wall; a policy or an article about walls has more."""
MOSTLY = 0.6  # share of the text in lines of consent that makes it a consent wall
MAX_LINE = 400  # characters of a line of a paywall; a paragraph about paywalls is longer

_PAY = re.compile(
    r"""subscri(?:be|ption|bers?)\b.{0,40}\b(?:to\s(?:read|continue|unlock|access|keep|get)|only|required)
    |(?:to|and)\s(?:continue|keep)\sreading.{0,60}(?:subscri|sign|log|regist|free\sarticle)
    |(?:continue|keep)\sreading\s(?:this|with|by|your|for)\b.{0,40}(?:subscri|sign|log|regist|trial|story|article)
    |already\s(?:a|an|have)\s.{0,20}(?:subscriber|member|account)|(?:log|sign)\s?in\sto\s(?:read|continue|view)
    |this\s(?:article|content|story|post|page)\sis\s(?:only\s)?(?:for|reserved|exclusive|available\sto|limited\sto)
    .{0,40}(?:subscriber|member|patron)|you(?:['’]ve|\shave)\s(?:reached|read)\s.{0,30}free\s(?:article|stor)
    |become\sa\s(?:member|subscriber|patron)|unlock\s(?:this|the\sfull)|premium\s(?:content|article)
    |(?:weiterlesen|jetzt)\s.{0,30}(?:abo\b|abonn|registrier|anmelden)|mit\s(?:einem\s)?.{0,12}\babo(?:nnement)?\b
    |(?:bereits|schon)\sabonnent|nur\sfür\sabonnent|exklusiv\sfür\s.{0,20}abonnent
    |(?:réservée?s?\saux|déjà)\sabonn|abonnez-vous|il\svous\sreste\s.{0,20}%\s|la\ssuite\sest\sréservée
    |(?:contenuto|articolo)\sriservato|(?:contenido|artículo)\s.{0,20}suscriptor|suscríbete\spara
    |付费(?:阅读|内容|订阅|后|解锁)|付費(?:閱讀|內容|訂閱)|订阅(?:后|以)(?:阅读|继续|查看)|訂閱(?:後|以)
    |(?:登[录陆錄]|注册|開通|开通会员|购买)(?:后|後|即可|以|才能).{0,12}(?:阅读|查看|继续|閱讀|全文|更多)
    |(?:开通|成为|升级).{0,4}(?:会员|VIP).{0,12}(?:阅读|查看|解锁|全文)|试读(?:结束|已结束)
    |剩余.{0,8}[%％].{0,6}(?:内容|未读)|(?:会员|訂戶|订户)(?:专享|專享|专属)(?:文章|内容)?""",
    re.IGNORECASE | re.VERBOSE,
)
_PAY_WORDS = (
    *("subscri", "reading", "already", "log", "sign", "this", "you", "become", "unlock"),
    *("premium", "abo", "weiterlesen", "jetzt", "réserv", "déjà", "vous", "suite", "riservato"),
    *(
        "suscr",
        "付费",
        "付費",
        "订阅",
        "訂閱",
        "登",
        "注册",
        "開通",
        "开通",
        "购买",
        "成为",
        "升级",
    ),
    *("升级", "试读", "剩余", "会员", "訂戶", "订户"),
)
"""One of these is in whatever `_PAY` finds; to look for them takes a tenth of the pattern."""
_CONSENT = re.compile(
    r"""(?:we|us|our|and\s(?:our|its|their))\s(?:and\sour\s)?(?:\d[\d,.]*\s)?
    (?:third[- ]party\s|trusted\s)?(?:partners?|vendors?)\b
    |(?:we|site|page|and\sour\spartners)\s(?:may\s)?uses?\scookies
    |accept\s(?:all|cookies)|reject\sall|(?:manage|change|your)\s(?:your\s)?(?:cookie|privacy|consent|tracking)\s?(?:settings|preferences|choices)
    |(?:give|withdraw|your)\s(?:your\s)?consent|you\sconsent|legitimate\sinterest|personal(?:i[sz]ed)\s(?:ads|advertising|content)
    |(?:store|access)\s.{0,20}information\son\s(?:a|your)\sdevice|precise\sgeolocation|device\scharacteristics
    |wir\sund\sunsere\s|unsere\s(?:\d+\s)?(?:partner|dienstleister)|(?:cookies?|allen?)\s(?:akzeptieren|zustimmen)|einwilligung
    |ihre\szustimmung|personalisierte\s(?:anzeigen|werbung)|mit\swerbung\s(?:lesen|weiterlesen|nutzen)|nos\s(?:\d+\s)?partenaires
    |votre\sconsentement|accepter\s(?:et|les|tous)|vos\s(?:choix|préférences)|nuestros\s(?:\d+\s)?socios|aceptar\s(?:todo|cookies)
    |i\snostri\s(?:\d+\s)?partner|本(?:网站|站|網站)使用\s?cookie|(?:接受|同意|管理)(?:所有|全部)?\s?cookie|cookie\s?(?:设置|偏好|政策)""",
    re.IGNORECASE | re.VERBOSE,
)
_CONSENT_WORDS = (
    *("partner", "vendor", "cookie", "accept", "reject", "privacy", "consent", "tracking"),
    *("legitimate", "personali", "device", "geolocation", "wir und", "unsere", "akzeptieren"),
    *("zustimm", "einwilligung", "werbung", "partenaire", "vos", "nuestros", "aceptar"),
)
"""The same for `_CONSENT`."""
_CONSENT_BOX = re.compile(r"cookie|consent|gdpr|privacy|\bcmp\b|onetrust|didomi", re.IGNORECASE)
_POLICY = re.compile(
    r"cookie|privacy|consent|datenschutz|confidentialit|privacidad|隐私|隱私|条款", re.I
)
"""Titles of pages that are about consent: what a site says of its cookies is the text there."""
_PARAGRAPHS = re.compile(r"\n+")


def is_consent_box(element: etree._Element) -> bool:
    """Return whether class or id of `element` say that it asks for consent."""
    names = f"{element.get('class', '')[:MAX_LINE]} {element.get('id', '')[:MAX_LINE]}"
    return _CONSENT_BOX.search(names) is not None and element.tag not in ("html", "body")


def is_consent_line(line: str) -> bool:
    """Return whether a line asks for consent to being tracked, or tells of it."""
    lower = line.lower()
    return any(map(lower.__contains__, _CONSENT_WORDS)) and _CONSENT.search(line) is not None


def find_wall(text: str, *, title: str, is_paid: bool) -> Wall | None:
    """Return which wall is in place of the text of a page, None if its text is there.

    Args:
        text: What was found on the page, as Markdown.
        title: The title that the page declares.
        is_paid: Whether the page declares that it is not free (`isAccessibleForFree`).
    """
    if len(text.encode()) > MAX_WALL:
        return None
    lines = [line for line in _PARAGRAPHS.split(text) if line.strip("#-*|> ")]
    total = sum(len(line.encode()) for line in lines)
    if _is_mostly_consent(lines, total) and not _POLICY.search(title):
        return "consent_wall"
    notices = [line for line in lines if len(line) <= MAX_LINE and asks_to_pay(line)]
    # What a paid page shows without a notice is a teaser as well, if it is no longer than one.
    if not notices and not (is_paid and total < MIN_LEAD // 2):
        return None
    lead = sum(len(line.encode()) for line in lines if not line.startswith("#"))
    lead -= sum(len(line.encode()) for line in notices)
    return "paywall" if lead < MIN_LEAD else None


def asks_to_pay(line: str) -> bool:
    """Return whether a line offers the rest of a text to those who pay or log in."""
    return any(map(line.lower().__contains__, _PAY_WORDS)) and _PAY.search(line) is not None


def _is_mostly_consent(lines: list[str], total: int) -> bool:
    """Return whether lines of consent make up `MOSTLY` of `total` bytes, reading few of others."""
    others = 0
    for line in lines:
        if not is_consent_line(line):
            others += len(line.encode())
            if others >= (1 - MOSTLY) * total:
                return False
    return bool(lines)


def strip_paywall(text: str) -> tuple[str, bool]:
    """Return `text` without the lines of a paywall at its end, and whether there were any."""
    blocks = text.split("\n\n")
    end = len(blocks)
    while end > 1 and len(blocks[end - 1]) <= MAX_LINE and asks_to_pay(blocks[end - 1]):
        end -= 1
    return "\n\n".join(blocks[:end]), end < len(blocks)
