"""Content lines, NAME;PARAMETER=x:VALUE, within BEGIN and END.

Calendars (RFC 5545) and address cards (RFC 6350) are made of them. Each event and each card becomes
one line with the names of its fields, so that it is understood alone.
"""

import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ingest.text.cjk import CJK
from ingest.text.encodings import decode

MAX_ENTRIES = 20_000  # events or cards of one file; twenty years of a full calendar

_LINE = re.compile(
    r"(?:([\w-]+)\.)?([A-Za-z][\w-]*)((?:;(?:\"[^\"]*\"|[^\":;])*)*):(.*)", re.DOTALL
)
"""Group, name, parameters, value. A group ("item1.TEL") says which lines belong together."""
GROUP = "group"
"""Key of the group among the parameters of a line; no parameter is lower case."""
_PARAMETER = re.compile(r";([\w-]+)(?:=((?:\"[^\"]*\"|[^\";])*))?")
_FOLD = re.compile(r"\r?\n[ \t]")
"""In text, too: in UTF-16 the bytes of a fold are others."""
_BYTE_FOLD = re.compile(rb"\r?\n[ \t]")
"""Before the bytes are decoded: RFC 5545, 3.1, lets a line be folded within a character."""
_SOFT_BREAK = re.compile(r"=\r?\n")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
TIME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d)(?::?\d\d)?(Z?))?")
"""Year, month, day, and of a time also hour, minute and whether it is UTC."""

LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "when": ("When", "时间"),
    "to": ("to", "至"),
    "due": ("Due", "截止"),
    "repeats": ("Repeats", "重复"),
    "except": ("Except", "除外"),
    "also": ("Also", "另有"),
    "originally": ("Originally", "原定"),
    "location": ("Where", "地点"),
    "organizer": ("Organizer", "组织者"),
    "attendee": ("Attendees", "参加者"),
    "status": ("Status", "状态"),
    "url": ("Website", "网址"),
    "org": ("Organization", "单位"),
    "title": ("Position", "职务"),
    "role": ("Role", "职责"),
    "nickname": ("Nickname", "昵称"),
    "tel": ("Phone", "电话"),
    "email": ("E-mail", "邮箱"),
    "impp": ("Messages", "即时通讯"),
    "x-qq": ("QQ", "QQ"),
    "x-wechat": ("WeChat", "微信"),
    "adr": ("Address", "地址"),
    "bday": ("Birthday", "生日"),
    "anniversary": ("Anniversary", "纪念日"),
    "note": ("Note", "备注"),
    "x-abrelatednames": ("Related", "关系人"),
    "x-abdate": ("Date", "日期"),
    "busy": ("Busy", "忙碌"),
    "cell": ("mobile", "手机"),
    "work": ("work", "工作"),
    "home": ("home", "家庭"),
    "fax": ("fax", "传真"),
    "yearly": ("every year", "每年"),
    "monthly": ("every month", "每月"),
    "weekly": ("every week", "每周"),
    "daily": ("every day", "每天"),
    "until": ("until", "直到"),
}
"""English and Chinese: a calendar is asked in the language that it is kept in."""
_DAYS: Final = {
    "MO": ("Monday", "周一"),
    "TU": ("Tuesday", "周二"),
    "WE": ("Wednesday", "周三"),
    "TH": ("Thursday", "周四"),
    "FR": ("Friday", "周五"),
    "SA": ("Saturday", "周六"),
    "SU": ("Sunday", "周日"),
}


@dataclass(frozen=True, slots=True)
class Component:
    """What stands between BEGIN and END: content lines by name."""

    kind: str
    lines: dict[str, list[tuple[dict[str, str], str]]] = field(default_factory=dict)

    def texts(self, name: str) -> list[str]:
        """Return the values of that name, unescaped and without empty ones."""
        return [text for _, value in self.lines.get(name, []) if (text := unescape(value))]

    def first(self, name: str) -> tuple[dict[str, str], str]:
        """Return the parameters and the raw value of the first line of that name."""
        return self.lines.get(name, [({}, "")])[0]


def unescape(value: str) -> str:
    """Return a value as its author wrote it, without white space around it."""
    text = _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
    return text.strip()


def parse_components(body: bytes, charset: str | None) -> Iterator[Component]:
    """Yield what is begun and ended at any depth, in the order of its ends."""
    text = decode(_BYTE_FOLD.sub(b"", body), claimed=charset)
    stack: list[Component] = []
    for line in _unfolded_lines(text):
        found = _LINE.fullmatch(line)
        if found is None:
            continue  # what a program has written wrongly; the next line is right again
        name, value = found[2].upper(), found[4]
        parameters = _parameters(found[3])
        if found[1]:
            parameters[GROUP] = found[1]
        if name == "BEGIN":
            stack.append(Component(value.strip().upper()))
        elif name == "END" and stack:
            yield stack.pop()
        elif stack:
            if parameters.get("ENCODING", "").upper() in ("QUOTED-PRINTABLE", "Q"):
                raw = quopri.decodestring(value.encode("utf-8", "replace"))
                value = decode(raw, claimed=parameters.get("CHARSET")).replace("\r\n", "\n")
            stack[-1].lines.setdefault(name, []).append((parameters, value))


def _parameters(text: str) -> dict[str, str]:
    """Return the parameters by name; of those that vCard 2.1 writes without a name, as TYPE."""
    found: dict[str, str] = {}
    for name, value in _PARAMETER.findall(text):
        if not value and name.upper() in ("QUOTED-PRINTABLE", "BASE64"):
            found["ENCODING"] = name
        elif not value or name.upper() == "TYPE":
            kind = value.strip('"') or name
            found["TYPE"] = f"{found.get('TYPE', '')},{kind}".strip(",")
        else:
            found[name.upper()] = value.strip('"')
    return found


def _unfolded_lines(text: str) -> Iterator[str]:
    """Yield content lines whole: folded ones, and quoted-printable ones with soft breaks."""
    lines = iter(_FOLD.sub("", text).splitlines(keepends=True))
    for line in lines:
        if "QUOTED-PRINTABLE" in line.upper():
            while line.rstrip("\r\n").endswith("=") and (more := next(lines, "")):
                line = _SOFT_BREAK.sub("", line) + more
        yield line.rstrip("\r\n")


class FieldLabels:
    """The labels of one entry, in the language that it is written in."""

    def __init__(self, text: str) -> None:
        self._column = int(re.search(f"[{CJK}]", text) is not None)

    def __getitem__(self, key: str) -> str:
        return LABELS[key][self._column]

    def day(self, code: str) -> str:
        """Return the weekday of a code as rules of repetition have it: "MO", "1FR", "-1SU"."""
        number = code[:-2]
        name = _DAYS.get(code[-2:], (code, code))[self._column]
        return f"{name} ({number})" if number else name

    def pair(self, key: str, value: str) -> str:
        """Return a field with its label, "" if it is empty."""
        return f"{self[key]}: {' '.join(value.split())}" if value.strip() else ""


def render_moment(line: tuple[dict[str, str], str]) -> str:
    """Return a day or a time as people write it, with the zone that its file names."""
    parameters, value = line
    shown = []
    for each in value.split(","):
        found = TIME.match(each.strip())
        if found is None:
            shown.append(each.strip())
            continue
        year, month, day, hour, minute, utc = found.groups()
        zone = "UTC" if utc else parameters.get("TZID", "")
        time = f" {hour}:{minute} {zone}".rstrip() if hour else ""
        shown.append(f"{year}-{month}-{day}{time}")
    return ", ".join(filter(None, shown))
