"""Personal data in training rows, found by its form: counted always, masked where asked for.

What a model learns by heart it may say to anybody. Names are found only where a word before them
says that one follows, and Chinese ones only if they begin with a surname, which half of all words
of a running text do.
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
_NUMERALS = "〇零一二三四五六七八九幺"
_FULL_WIDTH = "０１２３４５６７８９＠"
_WIDE = re.compile(f"[{_FULL_WIDTH}]")
# Two patterns, one of branches that begin with letters, the other with one class at its beginning:
# only then does `re` skip at once what none of it can begin with. As one they take seven times
# as long.
_HINTS = (
    re.compile(
        rf"@|\+\d{{10}}|{_NAME_MARKS}|Name|name|护照|Passport|passport|地址|微信|QQ|Qq|qQ|qq"
        rf"|We[Cc]hat|we[Cc]hat|SSN|Social|social|{'|'.join(_FULL_WIDTH)}|"
        + "|".join(rf"{one}[{_NUMERALS}]{{10}}" for one in _NUMERALS)
    ),
    re.compile(r"\d\d\d(?:\d{8}|[-. )）] ?\d{4}|\d{3} \d{8})"),
)
"""What a text has that may hold any: most have none, and are passed over at once."""

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
"""Full-width forms of ASCII (Unicode block FF00) to the forms that the patterns are written in."""

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
    "温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝宁尚符舒阮柯纪梅童凌毕裴霍涂"
    "苗谷盛曲翁冉骆蓝辛靳柴蒙鲍华喻祁蒲滕屈饶牟艾尤穆卓古吉缪简芦麦褚娄窦戚岑景"
    "宫费卜冷晏卫米柏瞿桂佟臧闵苟邬边卞姬仇栾隋刁沙荣巫寇桑郎甄丛仲虞敖巩佘池查麻苑迟邝"
)
_COMPOUND_SURNAMES = (
    "欧阳|上官|司马|诸葛|皇甫|尉迟|公孙|慕容|令狐|夏侯|东方|司徒|端木|长孙|南宫|宇文"
)
_NAME_ZH = re.compile(rf".+·.+|(?:[{_SURNAMES}]|{_COMPOUND_SURNAMES}).{{1,2}}|[{_SURNAMES}].{{3}}")
_NO_NAME = re.compile(
    r".*(?:[部处科组店局厂队长人员]|经理|总监|主任|老师|[学中先考大]生|家属|父母|客服|[工作买卖]方|公司)"
    r"|.?方|单位|安全.*|高[管层]|顾[客问]"
)
"""What is in forms in place of a name: the office of somebody, or who answers there instead."""

_NO_NAME_WORD = re.compile(
    r"\b(?:Not|None|No|Unknown|Anonymous|To|Be|Same|See|Please|Your|Company|Inc|Ltd|Corp|Department"
    r"|Office|Team|Desk|Type|Enter|Here)\b"
)


def _is_name(text: str) -> bool:
    if text.isascii():
        return not _NO_NAME_WORD.search(text)
    return _NAME_ZH.fullmatch(text) is not None and not _NO_NAME.fullmatch(text)


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
            # Not versions (pkg@1.2.beta), pictures for dense screens (icon@2x.png) and
            # repositories (git@host:path).
            r"(?P<held>[\w.+-]{1,64}@(?!\d+\.\d|\dx\.|[\w.-]+:[\w.~-]+/)"
            r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})",
            re.ASCII,
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
            # A number of something else is passed over whole.
            r"(?:(?:[单编批货案件]|流水|序列|合同|发票)号|(?<![A-Za-z])I[Dd])(?<!微信ID)(?<!QQID)"
            r"\s?[：:]?\s?\d{11}(?!\d)"
            r"|(?<![\d.-])(?P<held>(?:\+?86[- ]?)?1[3-9]\d[-. ]?\d{4}[-. ]?\d{4}"
            r"|0\d{2,3}[- ]\d{7,8}|[(（]0\d{2,3}[)）] ?\d{7,8}"
            r"|(?:\+1[ -]?)?\(\d{3}\) ?\d{3}-\d{4}|(?!400|800)[2-9]\d{2}([-.])\d{3}\2\d{4}"
            r"|\+\d{1,3}(?:[ -]\d{2,4}){3,4}|\+(?!86)\d{10,14}|\+86\d{10,11}"
            rf"|[一幺][三四五六七八九][{_NUMERALS}]{{9}})"
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
            r"(?<!访问)(?<!网站)(?:住址|地址)\s?[：:]\s?(?P<held>(?![见请详同])[\u4e00-\u9fff]{2,30}?[市区县镇乡村路街道巷弄]"
            r"[\u4e00-\u9fffA-Za-z0-9#-]{0,40}[号室栋幢楼单元弄座组])"
        ),
        Message.bilingual("[address]", "[地址]"),
    ),
    "name": _Pattern(
        re.compile(
            rf"(?:{_NAME_MARKS})\s?[：:]\s?"
            r"(?P<held>[\u4e00-\u9fff]{2,4}(?:·[\u4e00-\u9fff]{2,8})?)(?![\u4e00-\u9fff])"
            # That of a person, or before another field of one: cities and products have names too.
            r"|\b(?i:full|legal|customer|client|patient|contact|recipient|sender|student|employee"
            r"|guest|applicant|my|his|her)(?:'s)? [Nn]ame\s?:\s?"
            r"(?P<also>[A-Z][a-z]+(?: [A-Z][a-z.]+){1,3})"
            r"|(?<![A-Za-z0-9_-])(?<![A-Za-z0-9_] )(?<!的)[Nn]ame\s?:\s?"
            r"(?P<alone>[A-Z][a-z]+(?: [A-Z][a-z.]+){1,3})(?=[\s,;|/]{1,4}(?i:age|born|birth|dob"
            r"|date of birth|gender|sex|phone|mobile|tel|e-?mail|address|ssn|passport)\b)"
        ),
        Message.bilingual("[name]", "[姓名]"),
        _is_name,
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
    return frozenset(kind for kind, _, _ in _found("\n".join(texts)))


def mask_personal(text: str, place: int) -> str:
    """Return a text with what kind it was in the place of each piece of personal data."""
    found = sorted(_found(text), key=lambda one: -one[1])
    if not found:
        return text
    language = language_of(text)
    # From the end, so that the places of those before stay right.
    for kind, start, end in found:
        text = text[:start] + _PATTERNS[kind].mask.localize(language) + text[end:]
    return text


def _found(text: str) -> Iterator[tuple[PersonalKind, int, int]]:
    """Yield kind, start and end of each piece; none overlaps another."""
    if not any(hint.search(text) for hint in _HINTS):
        return
    # Numbers typed with a Chinese input method are often full-width: １３８…. In half-width each
    # character keeps its place.
    if _WIDE.search(text):
        text = text.translate(_HALF_WIDTH)
        if not any(hint.search(text) for hint in _HINTS):
            return
    spans: list[tuple[int, int]] = []  # in order
    for kind, pattern in _PATTERNS.items():
        for found in pattern.form.finditer(text):
            group = found.lastgroup
            if group is None:
                continue
            start, end = found.span(group)
            place = bisect.bisect(spans, (start, end))
            before, behind = spans[place - 1 : place], spans[place : place + 1]
            is_free = all(ended <= start for _, ended in before) and all(
                begun >= end for begun, _ in behind
            )
            if is_free and pattern.check(found[group]):
                spans.insert(place, (start, end))
                yield kind, start, end
