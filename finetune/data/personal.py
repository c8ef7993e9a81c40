"""Personal data in training rows, found by its form: counted always, masked where asked for.

What a model learns by heart it may say to anybody. Names are found only where a word before them
says that one follows; a list of surnames would take half of all words for names.
"""

import bisect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from finetune.records import Record
from ingest.foundation.messages import Message
from ingest.text.language import language_of

PersonalKind = Literal[
    "phone", "id_card", "passport", "email", "bank_card", "account", "address", "name"
]

_NAME_MARKS = "姓名|联系人|收件人|收货人|寄件人|签收人|申请人|负责人|经办人|法定代表人|紧急联系人"
_MAY_HOLD = re.compile(
    r"@|\d{11}|\d{3}[-. )）] ?\d{4}|\d{6} \d{8}|\+\d{10}|[〇零一二三四五六七八九幺]{11}"
    rf"|{_NAME_MARKS}|[Nn]ame|护照|[Pp]assport|地址|微信|[Qq]{{2}}|[Ww]e[Cc]hat|SSN|[Ss]ocial"
)
"""What a text has that may hold any: most have none, and are passed over at once."""

_FULL_WIDTH = re.compile("[０-９＠]")
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
"""Full-width forms of ASCII (Unicode block FF00) to the forms that the patterns are written in."""

_NO_NAME = re.compile(
    r"(?:[不未无没请待同见如必选略暂匿保前客物财本某我他她您你其此该各]|公(?!孙)|先生|女士).*"
    r"|.*[部处科组司店局厂队]|姓名|性别|年龄|电话|手机号?|地址|住址|日期|单位|职务|身份证号?|民族|籍贯"
)
"""What is in forms in place of a name: that there is none, or who answers there instead."""

_NO_NAME_WORD = re.compile(
    r"\b(?:Not|None|No|Unknown|Anonymous|To|Be|Same|See|Please|Your|Company|Inc|Ltd|Corp|Department"
    r"|Office|Team)\b"
)

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def is_id_number(digits: str) -> bool:
    """Return whether 18 characters are a Chinese identity number by its check (GB 11643-1999)."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, _ID_WEIGHTS, strict=False))
    return _ID_CHECKS[total % 11] == digits[-1].upper()


def is_card_number(digits: str) -> bool:
    """Return whether digits are a card's by their check (ISO/IEC 7812-1, Luhn)."""
    bare = [int(digit) for digit in digits if digit.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in bare[-2::-2])
    return len(bare) >= 16 and (sum(bare[-1::-2]) + sum(doubled)) % 10 == 0


@dataclass(frozen=True, slots=True)
class _Pattern:
    form: re.Pattern[str]
    mask: Message
    check: Callable[[str], bool] = lambda text: True


_PATTERNS: Mapping[PersonalKind, _Pattern] = {
    "email": _Pattern(
        re.compile(
            r"(?P<held>[\w.+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})", re.ASCII
        ),
        Message.bilingual("[email]", "[邮箱]"),
    ),
    # Before phones: an identity number holds eleven digits that look like one.
    "id_card": _Pattern(
        re.compile(
            r"(?<!\d)(?P<held>[1-9]\d{5} ?(?:18|19|20)\d{2}[01]\d[0-3]\d ?\d{3}[\dXx])"
            r"(?![\dA-Za-z])|(?:\bSSN|[Ss]ocial [Ss]ecurity)\D{0,12}"
            r"(?P<also>\d{3}-\d{2}-\d{4})(?!\d)"
        ),
        Message.bilingual("[ID number]", "[身份证号]"),
        # The American number has no check: the words before it say what it is.
        lambda text: "-" in text or is_id_number(text.replace(" ", "")),
    ),
    "passport": _Pattern(
        re.compile(
            r"(?:护照(?:号码?)?|[Pp]assport(?: [Nn](?:umber|o\.?))?)\s?[：:#]?\s?"
            r"(?P<held>[A-Z]{1,2}\d{7,8})(?![\dA-Za-z])"
        ),
        Message.bilingual("[passport]", "[护照号]"),
    ),
    "bank_card": _Pattern(
        re.compile(r"(?<![\d.])(?P<held>[3-6]\d{3}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?)(?![\d.])"),
        Message.bilingual("[card number]", "[银行卡号]"),
        is_card_number,
    ),
    "phone": _Pattern(
        re.compile(
            r"(?<![\d.-])(?P<held>(?:\+?86[- ]?)?1[3-9]\d[-. ]?\d{4}[-. ]?\d{4}"
            r"|0\d{2,3}[- ]\d{7,8}|[(（]0\d{2,3}[)）] ?\d{7,8}"
            r"|(?:\+1[ -]?)?\(\d{3}\) ?\d{3}-\d{4}|(?!400|800)[2-9]\d{2}([-.])\d{3}\2\d{4}"
            r"|\+\d{1,3}(?:[ -]\d{2,4}){3,4}|\+\d{10,14}"
            r"|[一幺][三四五六七八九][〇零一二三四五六七八九幺]{9})"
            r"(?![\d〇零一二三四五六七八九十百千万亿]|\.\d)"
        ),
        Message.bilingual("[phone]", "[电话]"),
    ),
    "account": _Pattern(
        re.compile(
            r"(?:微信号?|[Ww]e[Cc]hat(?: ID)?)\s?[：:]\s?(?P<held>[A-Za-z][\w-]{5,19})(?![\w-])"
            r"|(?:QQ|qq)号?码?\s?[：:]\s?(?P<also>[1-9]\d{4,10})(?!\d)",
            re.ASCII,
        ),
        Message.bilingual("[account]", "[账号]"),
    ),
    "address": _Pattern(
        re.compile(
            r"(?:住址|地址)\s?[：:]\s?(?P<held>[\u4e00-\u9fff]{2,30}?[市区县镇乡村路街道巷弄]"
            r"[\u4e00-\u9fffA-Za-z0-9#-]{0,40}[号室栋幢楼单元弄座组])"
        ),
        Message.bilingual("[address]", "[地址]"),
    ),
    "name": _Pattern(
        re.compile(
            rf"(?:{_NAME_MARKS})\s?[：:]\s?"
            r"(?P<held>[\u4e00-\u9fff]{2,4}(?:·[\u4e00-\u9fff]{2,8})?)(?![\u4e00-\u9fff])"
            # A name alone, or that of a person: those of files, products and hosts are no names.
            r"|(?:(?<![A-Za-z0-9_-])(?<![A-Za-z0-9_] )(?<!的)[Nn]ame"
            r"|\b(?i:full|legal|customer|client|patient|contact|recipient|sender|student|employee"
            r"|guest|applicant|your|my|his|her)(?:'s)? name)"
            r"\s?:\s?(?P<also>[A-Z][a-z]+(?: [A-Z][a-z.]+){1,3})"
        ),
        Message.bilingual("[name]", "[姓名]"),
        lambda text: not _NO_NAME.fullmatch(text) and not _NO_NAME_WORD.search(text),
    ),
}
"""In the order in which they are looked for."""

PERSONAL_NAMES: Mapping[PersonalKind, Message] = {
    "phone": Message("phone numbers"),
    "id_card": Message("identity numbers"),
    "email": Message("mail addresses"),
    "passport": Message("passport numbers"),
    "bank_card": Message("card numbers"),
    "account": Message("accounts of messengers"),
    "address": Message("addresses of people"),
    "name": Message("names of people"),
}


def personal_kinds(record: Record) -> frozenset[PersonalKind]:
    """Return what personal data a record holds in any of its texts."""
    texts = [record.system]
    for turn in record.turns:
        texts += (turn.user, turn.think, turn.answer)
    held = _with_half_width("\n".join(texts))
    if not _MAY_HOLD.search(held):
        return frozenset()
    return frozenset(kind for kind, _, _ in _found(held))


def mask_personal(text: str, place: int) -> str:
    """Return a text with what kind it was in the place of each piece of personal data."""
    read = _with_half_width(text)
    if not _MAY_HOLD.search(read):
        return text
    language = language_of(text)
    # From the end, so that the places of those before stay right.
    for kind, start, end in sorted(_found(read), key=lambda one: -one[1]):
        text = text[:start] + _PATTERNS[kind].mask.localize(language) + text[end:]
    return text


def _with_half_width(text: str) -> str:
    """Return a text of the same length whose digits and marks are those of ASCII.

    Numbers typed with a Chinese input method are often full-width: １３８….
    """
    return text.translate(_HALF_WIDTH) if _FULL_WIDTH.search(text) else text


def _found(text: str) -> Iterator[tuple[PersonalKind, int, int]]:
    """Yield kind, start and end of each piece; none overlaps another."""
    taken: list[tuple[int, int]] = []  # in order
    for kind, pattern in _PATTERNS.items():
        for found in pattern.form.finditer(text):
            group = "also" if found.groupdict().get("also") else "held"
            start, end = found.span(group)
            place = bisect.bisect(taken, (start, end))
            before, behind = taken[place - 1 : place], taken[place : place + 1]
            is_free = all(ended <= start for _, ended in before) and all(
                begun >= end for begun, _ in behind
            )
            if is_free and pattern.check(found[group]):
                taken.insert(place, (start, end))
                yield kind, start, end
