"""What kind of answer a question asks for, and whether a text holds one (Li and Roth, 2002)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from assistant.answer.evidence.passage_reader import Unit
from assistant.values import EvidenceKind
from ingest.text.cjk import CJK

_NUMBER = (
    r"(?:\d[\d,. ]{0,18}\d|\d|[零〇一二三四五六七八九十百千万亿两半几]+"
    r"|(?<!\w)(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty"
    r"|forty|fifty|sixty|seventy|eighty|ninety|half|dozen|hundred|thousand|million|billion)s?)"
)
_YEAR = r"(?<![\d.,])(?:1\d{3}|20\d\d)(?![\d,]|\.\d)"
_PHONE = r"(?<![\d.])(?:\+|\(0)?\d(?:[ ()/-]{0,2}\d){5,14}(?![\d.])"
_EXTENSION = (
    # A few digits are a number to dial where a line, or the head of its table, says so.
    r"(?:电话|分机|热线|座机|总机|号码|内线|手机|传真|拨打?|\b(?:phone|tel|ext|extension|dial|call|hotline"
    r"|mobile|fax)\b)[\s\S]{0,300}?(?<![\d.,])\d{3,5}(?![\d.,%]|\s?[年月日元人米平])"
)
_MONTH = r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]{0,6}\b"


def _either(*parts: str) -> str:
    return "|".join(parts)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # When it is first used: a question needs one or two of those that find answers, and compiling
    # all of them at the start took 30 ms.
    return re.compile(pattern, re.IGNORECASE)


def _measures(english: str, chinese: str) -> str:
    """Return the pattern of a number with one of these units behind it."""
    return rf"{_NUMBER}[\s-]{{0,2}}(?:(?:\w{{1,20}} )?(?:{english})\b|{chinese})"


@dataclass(frozen=True, slots=True)
class AnswerType:
    """A kind of answer."""

    name: str
    asked: str
    """Pattern that finds the question for it, in any case."""
    held: str
    """Pattern that finds an answer in a text."""


ANSWER_TYPES: Final = (
    AnswerType(
        "email",
        _either(
            r"\be-?mail address|\bwhat(?:'s| is| are)\b.{0,60}\be-?mails?\b|\be-?mail\W*$",
            r"(?:邮箱|邮件|邮箱地址|邮件地址)(?:地址)?(?:是|为|有|叫|多少|呢|\W*$)",
        ),
        r"[\w.+-]{1,60}@[\w-]{1,60}\.\w",
    ),
    AnswerType(
        "website",
        _either(
            r"\b(?:what|which|where)\b.{0,60}\b(?:website|web ?page|url)\b|\bwebsite\W*$",
            r"网址|(?:网站|官网)(?:地址)?(?:是|为|有|叫|呢|\W*$)",
        ),
        r"https?:|www\.|[\w-]{1,60}\.(?:com|org|net|cn|gov|edu|io|de|uk|ch|eu)\b",
    ),
    AnswerType(
        "phone",
        _either(
            r"\b(?:tele)?phone(?: number)?\W*$|\b(?:phone|fax|contact|mobile) number",
            r"\b(?:what|which) (?:is the )?(?:number|hotline)\b.{0,20}\bcall",
            r"\bwhat.{0,40}\bhotline\b",
            r"\b(?:what|which)\b.{0,40}\bextension\b(?! (?:of|for) (?:the )?(?:file|files)\b)",
            r"(?:电话|手机|热线|传真|分机|座机|内线)(?:号码?)?(?:是|为|有|多少|几|呢|\W*$)",
        ),
        _either(_PHONE, _EXTENSION),
    ),
    AnswerType(
        "contact",
        _either(
            r"\bwho(?:m)?\b.{0,30}\b(?:ask|call|contact|phone|turn to|report|speak to|write to)\b",
            r"\bhow (?:can|do|could) (?:i|we|one) (?:contact|reach)\b|\bcontact (?:person|details)",
            r"找谁|问谁|联系谁|联系人|找哪[位个]|谁负责|(?:怎么|如何|怎样)联系|联系方式|向谁|跟谁",
        ),
        _either(
            _PHONE,
            r"联系人|负责人|联系|电话|咨询|拨打|\b(?:contact|call|phone|tel)\b|[\w.+-]{1,60}@",
        ),
    ),
    AnswerType(
        "percent",
        _either(
            r"\b(?:what|which|how much) (?:percent|share|proportion|fraction)",
            r"百分之(?:几|多少)|占[^，。？]{0,12}(?:多少|几)|[几多]少?成|比例|百分比",
        ),
        _either(
            rf"{_NUMBER}\s?(?:[%％]|percent|per cent|成)",
            r"百分之|[二三四五六七八九]分之|\b(?:half|third|quarter)s?\b",
        ),
    ),
    AnswerType(
        "money",
        _either(
            r"\bhow much\b.{0,40}\b(?:cost|pay|paid|price|charge|worth|spen[dt]|earn|fee|fine)",
            r"\b(?:price|cost|salary|budget|revenue|fee|fine)\b",
            r"多少钱|(?:价格|费用|成本|票价|工资|收入|罚款|预算)[^，。？]{0,6}(?:多少|几|是)",
            r"多少[万亿]?(?:元|美元|欧元|英镑)",
        ),
        _either(
            r"[$€£¥￥]\s?\d",
            _measures(
                "dollars?|euros?|pounds?|yuan|yen|cents?|usd|eur|rmb|cny",
                "[万亿]?(?:元|块|美元|欧元|英镑|日元|港币|人民币)",
            ),
        ),
    ),
    AnswerType(
        "temperature",
        _either(r"\bhow (?:hot|cold|warm)\b|\btemperature\b", r"多少度|几度|温度|多[热冷烫]"),
        _either(rf"{_NUMBER}\s?(?:°|℃|℉|度|摄氏|degrees?|kelvin|K\b)"),
    ),
    AnswerType(
        "weight",
        _either(
            r"\bhow heavy\b|\b(?:weight|mass|weigh)\b",
            r"多重|重量|多少(?:公斤|千克|克|吨|斤)",
        ),
        _either(
            _measures(
                "[kmµ]?g|lbs?|oz|tons?|tonnes?|(?:kilo)?grams?|pounds?|ounces?",
                "公斤|千克|毫克|克|吨|斤|磅",
            )
        ),
    ),
    AnswerType(
        "speed",
        _either(r"\bhow fast\b|\bspeed\b", r"多快|速度|时速"),
        _either(
            _measures(
                "mph|km/?h|kph|m/s|knots?|(?:kilomet(?:er|re)s?|miles?) (?:per|an)|[kmg]?bit/s",
                "(?:公里|千米|米|英里)(?:每|/)|节|马赫",
            ),
            r"每(?:小时|秒)",
        ),
    ),
    AnswerType(
        "length",
        _either(
            r"\bhow (?:high|tall|wide|deep|far|big|large)\b",
            r"\b(?:height|distance|width|depth|altitude|area|diameter)\b",
            r"多[高宽深远大厚]|多少(?:米|公里|千米|英里|厘米|平方)",
            r"高度|距离|宽度|深度|面积|长度|海拔|直径",
        ),
        _either(
            _measures(
                "(?:[mck]?m|ft|feet|foot|in|inch(?:es)?|miles?|yards?|(?:kilo)?met(?:er|re)s?)"
                "(?! ?/| per| an hour)|acres?|hectares?|square|[kmgt]i?b|bytes?",
                "毫米|厘米|公里|千米|英里|英尺|海里|米|平方|公顷|亩|字节|[KMGT]i?B",
            )
        ),
    ),
    AnswerType(
        "duration",
        _either(
            r"\bhow long\b|\bhow many (?:years?|months?|weeks?|days?|hours?|minutes?|seconds?)\b",
            r"多久|多长时间|多少[年天周日]|几[年天周]|几个(?:月|小时|星期)|多少(?:小时|分钟|秒|个月)",
            r"期限|有效期|保质期|时长",
        ),
        _either(
            _measures(
                "years?|months?|weeks?|days?|hours?|minutes?|seconds?|hrs?|mins?|decades?"
                "|centur(?:y|ies)|m?s",
                "年|个?月|周|星期|天|日|个?小时|分钟|秒|个?世纪|个?学期",
            )
        ),
    ),
    AnswerType(
        "frequency",
        _either(r"\bhow often\b", r"频率|每[年月周天日]几次"),
        _either(r"\b(?:every|daily|weekly|monthly|yearly|annual(?:ly)?|once|twice)\b|每"),
    ),
    AnswerType(
        "date",
        _either(
            r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b",
            r"何时|什么时[候间]|哪一?[年天日月]|几[月日号点]|[哪第]几年|年份|日期|时间是",
            r"哪个(?:世纪|年代)",
        ),
        _either(
            _YEAR,
            _MONTH,
            r"\b\d{3,4}s?\b (?:AD|BC|CE|BCE)|\d{1,2}:\d\d|\bcentury\b|世纪|年代",
            r"\d+\s?[年月日号点]|[〇一二三四五六七八九十]+[年月日号点]|星期|周[一二三四五六日]",
        ),
    ),
    AnswerType(
        "count",
        _either(
            r"\bhow many\b|\bhow much\b|\bhow old\b",
            r"\bwhat (?:is the |was the )?(?:number|population|score|total)\b",
            r"多少|几[个名位次种件架条本支只座家所届人层章]|第几|数量|人口|总数|多大年纪|几岁|比分",
        ),
        _either(_NUMBER),
    ),
    AnswerType(
        "person",
        _either(
            r"\bwho(?:se|m)?\b|\bname of the (?:person|man|woman|author|actor)",
            r"\bwhich (?:person|man|woman|author|king|president|player|scientist|actor|singer)",
            r"谁|哪位|什么人|何人|哪[个名]人",
        ),
        _either(
            r"(?-i:[A-Z][a-z]+)",
            rf"[{CJK}A-Za-z]·|由[{CJK}]",
            rf"[{CJK}]{{1,4}}(?:先生|女士|教授|博士|皇帝|国王|总统|将军|主席)",
        ),
    ),
    AnswerType(
        "place",
        _either(
            r"\bwhere\b|\b(?:what|which) (?:city|country|place|state|town|region|continent)\b",
            r"\b(?:what|which) (?:county|island|street|river|location|directory|folder|file)\b",
            r"哪里|在哪|哪儿|何处|什么地方|位于|哪座",
            r"哪个?(?:国家?|城市|省|州|地区|洲|目录|文件|地方|市|县|国)",
        ),
        _either(
            r"\b(?:in|at|on|from|near|to|of) (?:the )?(?-i:[A-Z])",
            rf"(?:^|[\s“\"'`（({CJK}])[~/][\w./-]+|https?:|www\.|[\w-]{{1,60}}\.(?:org|com|net)\b",
            rf"[{CJK}](?:省|市|县|州|国|镇|区|村|路|街|岛|山|河|洲|大学|公园)|[东西南北]部|位于",
        ),
    ),
    AnswerType(
        "option",
        _either(r"\b(?:option|flag|switch)(?:es|s)?\b", r"选项|开关"),
        _either(rf"(?:^|[\s“\"'(（，、：:{CJK}])-{{1,2}}[A-Za-z]"),
    ),
    AnswerType(
        "command",
        _either(
            r"\bhow (?:do|can|could|to|should|would|does one)\b",
            r"\b(?:what|which) (?:command|method|function|class|setting|key|exception|module)\b",
            r"怎[么样]|如何|哪[个条]?(?:命令|参数|函数|方法|按键|快捷键)|命令是|什么命令|有什么用",
        ),
        _either(
            r"(?:^|[\s“\"'(（，、：])-{1,2}[A-Za-z]|```|\w\(\)|~/|\b[a-z]{1,30}=",
            r"(?-i:\b[a-z]{1,30}(?:[-_.][a-z]{1,30}){1,4}\b)",
            r"\b(?:git|apt|apt-get|dpkg|sudo|pip|python|systemctl|ssh|docker|npm)\s+[a-z-]",
            r"(?:Ctrl|Alt|Cmd|Shift)[-+]|\^[A-Z]\b|[a-z]/[a-z]",
        ),
    ),
    AnswerType(
        "reason",
        _either(
            r"\bwhy\b|\bwhat (?:caused|causes|reason)|\breason for", r"为什么|为何|原因|怎么会"
        ),
        _either(
            r"\b(?:because|since|due to|owing to|as a result|so that|in order to|caused by)\b",
            r"\breason\b|因为|由于|因此|所以|为了|原因|以便|使得|导致|从而|缘故",
        ),
    ),
    AnswerType(
        "definition",
        _either(
            r"^\s*what(?:'s| is| are| does)\b.{0,50}(?:mean|do|stand for|)\W*$",
            r"\bdefine\b|\bdefinition of",
            r"什么是|是什么|什么意思|定义|指的是|叫什么|叫做什么",
        ),
        _either(
            r"\b(?:is|are|means|refers to|denotes|called|known as|stands for|defined as)\b",
            r"是|指|称为|叫做|即|表示|意为|又称",
        ),
    ),
)
"""Those that say more come first: "how many years" asks for a duration, not for any count."""

MEASURES = frozenset(("percent", "money", "temperature", "weight", "speed", "length", "duration"))
"""Kinds of answer that are a figure with a unit."""
CONTACTS = frozenset(("email", "website", "phone", "contact"))
"""Kinds of answer that stand on a line which says little else of the question."""
MADE_FOR: Final[Mapping[str, tuple[EvidenceKind, ...]]] = {
    "command": ("code", "definition"),
    "option": ("code", "definition"),
    "definition": ("definition",),
}
"""Kinds of answer that some kinds of unit are, whatever they hold."""

NEAR = 24
NEAR_IDEOGRAPHS = 3
"""Characters between a number and the word for what is counted: "250 of the 300 small drones"."""

_COUNTED_EN = re.compile(
    r"\bhow many (?:\w{1,20}ly )?(?:different |other |more |total )?([a-z]{3,20})", re.IGNORECASE
)
_CLASSIFIERS = "个名位种件架条本支只座家所届人层章次艘辆台张块颗片项"
_COUNTED_ZH = re.compile(rf"(?:多少|几)([{_CLASSIFIERS}]?)的?([{CJK}]{{2}})?")


def answer_types(question: str) -> list[AnswerType]:
    """Return the kinds of answer that a question asks for, the most specific first."""
    return [kind for kind in ANSWER_TYPES if _compiled(kind.asked).search(question)]


def counted_words(question: str) -> Iterator[str]:
    """Yield what a question wants counted: "drones" of "how many drones", "名" of "多少名"."""
    for found in _COUNTED_EN.finditer(question):
        yield found[1].casefold()
    for found in _COUNTED_ZH.finditer(question):
        yield from filter(None, (found[1], found[2]))


def answer_type_fit(
    unit: Unit, types: Sequence[AnswerType], counted: Sequence[str], question: str
) -> float:
    """Return 1 if a unit holds an answer of the first of the types, .5 if it may, else 0."""
    if not types:
        return 0.0
    kind = types[0]
    if unit.kind in MADE_FOR.get(kind.name, ()):
        return 1.0
    if kind.name == "count" and counted:
        for word in counted:
            stem = re.escape(word.removesuffix("s"))
            near = NEAR if word.isascii() else NEAR_IDEOGRAPHS
            behind = rf"{_NUMBER}.{{0,{near}}}{stem}"
            before = rf"{stem}.{{0,{NEAR}}}[:：是为有达约].{{0,3}}{_NUMBER}"  # "drones: 250"
            if re.search(f"{behind}|{before}", unit.text, re.IGNORECASE):
                return 1.0
        return 0.5 if re.search(_NUMBER, unit.text, re.IGNORECASE) else 0.0
    asked = question.casefold()
    # What the question itself says answers nothing.
    found = (each[0].strip().casefold() for each in _compiled(kind.held).finditer(unit.text))
    return float(any(each and each not in asked for each in found))
