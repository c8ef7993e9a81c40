"""Calendars (.ics, RFC 5545) and address cards (.vcf, RFC 6350 and the versions 2.1 and 3.0).

Both are made of the same content lines, NAME;PARAMETER=x:VALUE, within BEGIN and END. Each event
and each card becomes one line with the names of its fields, so that it is understood alone.
"""

import datetime
import quopri
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ingest.extract.base import DamagedFileError, FileContent
from ingest.extract.formats.zip_parts import names_damage
from ingest.text.cjk import CJK
from ingest.text.encodings import decode

MAX_ENTRIES = 20_000  # events or cards of one file; twenty years of a full calendar

_LINE = re.compile(r"(?:[\w-]+\.)?([A-Za-z][\w-]*)((?:;(?:\"[^\"]*\"|[^\":;])*)*):(.*)", re.DOTALL)
"""Name, parameters, value. A group ("item1.TEL") says only which lines belong together."""
_PARAMETER = re.compile(r";([\w-]+)(?:=((?:\"[^\"]*\"|[^\";])*))?")
_FOLD = re.compile(r"\r?\n[ \t]")
_BYTE_FOLD = re.compile(rb"\r?\n[ \t]")
"""Before the bytes are decoded: RFC 5545, 3.1, lets a line be folded within a character."""
_SOFT_BREAK = re.compile(r"=\r?\n")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_HALVES = re.compile(r"(?<!\\);")
_TIME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d)(?::?\d\d)?(Z?))?")
_DURATION = re.compile(
    r"\+?P(?:(?P<weeks>\d{1,3})W)?(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?:(?P<hours>\d{1,4})H)?(?:(?P<minutes>\d{1,5})M)?(?:(?P<seconds>\d{1,6})S)?)?"
)
_RULE_PART = re.compile(r"(\w+)=([^;]+)")

_LABELS: Final[Mapping[str, tuple[str, str]]] = {
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
_PICKS = frozenset(
    {"BYSETPOS", "BYMONTHDAY", "BYMONTH", "BYYEARDAY", "BYWEEKNO", "BYHOUR", "BYMINUTE", "BYSECOND"}
)
"""Parts of a rule of repetition that make another rule of its days."""
_CARD_FIELDS = (
    *("NICKNAME", "ORG", "TITLE", "ROLE", "TEL", "EMAIL", "IMPP", "X-QQ", "X-WECHAT", "ADR"),
    *("BDAY", "ANNIVERSARY", "URL", "NOTE"),
)
_KINDS_SHOWN = frozenset({"cell", "work", "home", "fax"})


@dataclass(frozen=True, slots=True)
class _Component:
    """What stands between BEGIN and END: content lines by name."""

    kind: str
    lines: dict[str, list[tuple[dict[str, str], str]]] = field(default_factory=dict)

    def texts(self, name: str) -> list[str]:
        """Return the values of that name, unescaped and without empty ones."""
        return [text for _, value in self.lines.get(name, []) if (text := _unescape(value))]

    def first(self, name: str) -> tuple[dict[str, str], str]:
        """Return the parameters and the raw value of the first line of that name."""
        return self.lines.get(name, [({}, "")])[0]


def _unescape(value: str) -> str:
    text = _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
    return text.strip()


def _entries(text: str) -> Iterator[_Component]:
    """Yield what is begun and ended at any depth, in the order of its ends."""
    stack: list[_Component] = []
    for line in _unfolded_lines(text):
        found = _LINE.fullmatch(line)
        if found is None:
            continue  # what a program has written wrongly; the next line is right again
        name, value = found[1].upper(), found[3]
        parameters = _parameters(found[2])
        if name == "BEGIN":
            stack.append(_Component(value.strip().upper()))
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


class _Words:
    """The labels of one entry, in the language that it is written in."""

    def __init__(self, text: str) -> None:
        self._column = int(re.search(f"[{CJK}]", text) is not None)

    def __getitem__(self, key: str) -> str:
        return _LABELS[key][self._column]

    def day(self, code: str) -> str:
        """Return the weekday of a code as rules of repetition have it: "MO", "1FR", "-1SU"."""
        number = code[:-2]
        name = _DAYS.get(code[-2:], (code, code))[self._column]
        return f"{name} ({number})" if number else name

    def pair(self, key: str, value: str) -> str:
        """Return a field with its label, "" if it is empty."""
        return f"{self[key]}: {' '.join(value.split())}" if value.strip() else ""


@names_damage
def read_calendar(body: bytes, charset: str | None) -> FileContent:
    """Return the events, tasks and notes of an .ics file, one line each with what it says."""
    text = decode(_BYTE_FOLD.sub(b"", body), claimed=charset)
    entries = list(_entries(text))[:MAX_ENTRIES]
    shown = [each for each in entries if each.kind in ("VEVENT", "VTODO", "VJOURNAL")]
    calendar = next((each for each in entries if each.kind == "VCALENDAR"), None)
    if calendar is None and not shown:
        raise DamagedFileError
    names = calendar.texts("X-WR-CALNAME") + calendar.texts("NAME") if calendar else []
    blocks = [block for each in shown for block in _event_blocks(each)]
    return FileContent(
        text="\n\n".join([*(f"# {name}" for name in names[:1] if blocks), *blocks]),
        title=names[0] if names else "",
    )


def _event_blocks(event: _Component) -> Iterator[str]:
    words = _Words(" ".join(event.texts("SUMMARY") + event.texts("DESCRIPTION")))
    fields = [
        words.pair("when", _span(event, words)),
        words.pair("due", _moment(event.first("DUE"))),
        words.pair("repeats", _repetition(event.first("RRULE")[1], words)),
        words.pair("except", ", ".join(map(_moment, event.lines.get("EXDATE", [])))),
        words.pair("also", ", ".join(map(_moment, event.lines.get("RDATE", [])))),
        words.pair("originally", _moment(event.first("RECURRENCE-ID"))),
        words.pair("location", ", ".join(event.texts("LOCATION"))),
        words.pair("organizer", _person(*event.first("ORGANIZER"))),
        words.pair(
            "attendee", ", ".join(_person(*each) for each in event.lines.get("ATTENDEE", []))
        ),
        words.pair("url", ", ".join(event.texts("URL"))),
    ]
    # That an event is confirmed is what everybody takes for granted.
    status = "".join(event.texts("STATUS")[:1]).lower()
    fields.append(words.pair("status", "" if status == "confirmed" else status))
    summary = " ".join(" ".join(event.texts("SUMMARY")).split())
    if line := "; ".join(filter(None, [summary, *fields])):
        yield f"- {line}"
    yield from (text for text in event.texts("DESCRIPTION") + event.texts("COMMENT"))


def _span(event: _Component, words: _Words) -> str:
    """Return when an event begins and ends, without saying a day or a zone twice."""
    begin, end = _moment(event.first("DTSTART")), _last_moment(event)
    if end in ("", begin):
        return begin
    day, _, hours = begin.partition(" ")
    last_day, _, last_hours = end.partition(" ")
    if day == last_day:
        end = last_hours
        if hours.partition(" ")[2] == last_hours.partition(" ")[2]:
            begin = f"{day} {hours.partition(' ')[0]}"
    return f"{begin} {words['to']} {end}"


def _moment(line: tuple[dict[str, str], str]) -> str:
    """Return a day or a time as people write it, with the zone that its file names."""
    parameters, value = line
    shown = []
    for each in value.split(","):
        found = _TIME.match(each.strip())
        if found is None:
            shown.append(each.strip())
            continue
        year, month, day, hour, minute, utc = found.groups()
        zone = "UTC" if utc else parameters.get("TZID", "")
        time = f" {hour}:{minute} {zone}".rstrip() if hour else ""
        shown.append(f"{year}-{month}-{day}{time}")
    return ", ".join(filter(None, shown))


def _last_moment(event: _Component) -> str:
    """Return when an event ends; of whole days the last one, where the file names the one after."""
    parameters, value = event.first("DTEND")
    start_parameters, start = event.first("DTSTART")
    if not value and (length := _DURATION.fullmatch(event.first("DURATION")[1].strip())):
        parameters, value = start_parameters, _after(start, length)
    if "T" in value or not (found := _TIME.match(value)):
        return _moment((parameters, value))
    try:
        last = datetime.date(*map(int, found.groups()[:3])) - datetime.timedelta(days=1)
    except (ValueError, OverflowError):
        return ""
    # Many programs name the day itself as the one after it.
    return last.isoformat() if last.isoformat() > _moment((start_parameters, start)) else ""


def _after(start: str, length: re.Match[str]) -> str:
    """Return the value of a DTEND that is `length` after a DTSTART, "" if that is no time."""
    found = _TIME.match(start.strip())
    if found is None:
        return ""
    utc, has_hours = found[6], found[4] is not None
    year, month, day, hour, minute = (int(each or 0) for each in found.groups()[:5])
    span = {unit: int(number) for unit, number in length.groupdict(default="0").items()}
    try:
        end = datetime.datetime(year, month, day, hour, minute) + datetime.timedelta(**span)
    except (ValueError, OverflowError):
        return ""
    return f"{end:%Y%m%dT%H%M}{utc}" if has_hours else f"{end:%Y%m%d}"


def _repetition(rule: str, words: _Words) -> str:
    """Return a rule of repetition in words: "every week, Monday, until 2025-12-31".

    One that picks among its days, "the last of the month", stays as it is written.
    """
    parts = {name.upper(): value for name, value in _RULE_PART.findall(rule)}
    often = parts.get("FREQ", "").lower()
    if not often:
        return ""
    shown = [words[often] if often in _LABELS else often]
    if parts.get("INTERVAL", "1") != "1":
        shown[0] += f" × {parts['INTERVAL']}"
    picks = [f"{name}={value}" for name, value in parts.items() if name.startswith("BY")]
    if parts.keys().isdisjoint(_PICKS):
        days = parts.get("BYDAY", "").split(",")
        picks = [words.day(code.strip()) for code in days if code.strip()]
    shown += picks
    if until := _moment(({}, parts.get("UNTIL", ""))):
        shown.append(f"{words['until']} {until}")
    if count := parts.get("COUNT"):
        shown.append(f"{count} ×")
    return ", ".join(shown)


def _person(parameters: Mapping[str, str], value: str) -> str:
    address = re.sub(r"(?i)^mailto:", "", value.strip())
    name = parameters.get("CN", "")
    return f"{name} <{address}>" if name and address and name != address else name or address


@names_damage
def read_cards(body: bytes, charset: str | None) -> FileContent:
    """Return the cards of a .vcf file, a paragraph each: name, phones, addresses, notes."""
    text = decode(_BYTE_FOLD.sub(b"", body), claimed=charset)
    cards = [each for each in _entries(text) if each.kind == "VCARD"][:MAX_ENTRIES]
    if not cards:
        raise DamagedFileError
    names = [_card_name(card) for card in cards]
    lines = [_card_line(card, name) for card, name in zip(cards, names, strict=True)]
    title = names[0] if len(cards) == 1 else ""
    return FileContent(text="\n\n".join(f"- {line}" for line in lines if line), title=title)


def _card_name(card: _Component) -> str:
    if full := card.texts("FN"):
        return " ".join(full[0].split())
    family, given, *_ = [*map(_unescape, _HALVES.split(card.first("N")[1])), "", ""]
    is_chinese = re.search(f"[{CJK}]", family + given) is not None
    return f"{family}{given}" if is_chinese else f"{given} {family}".strip()


def _card_line(card: _Component, name: str) -> str:
    words, fields = _Words(" ".join([name, *card.texts("ORG")])), [name]
    for key in _CARD_FIELDS:
        for parameters, value in card.lines.get(key, []):
            fields.append(_labelled_value(key.lower(), parameters, value, words))
    return "; ".join(filter(None, fields))


def _labelled_value(key: str, parameters: Mapping[str, str], value: str, words: _Words) -> str:
    """Return one field of a card: "Phone (mobile): +47 555 0199"."""
    pieces: Sequence[str] = [_unescape(part) for part in _HALVES.split(value)]
    text = ", ".join(filter(None, pieces)) if key in ("org", "adr") else _unescape(value)
    if key in ("bday", "anniversary"):
        # The year of a birthday without one: Apple's 1604, RFC 6350's "--".
        year = parameters.get("X-APPLE-OMIT-YEAR", "-")
        if without_year := re.fullmatch(rf"{re.escape(year)}-?(\d\d)-?(\d\d)", text):
            text = "-".join(without_year.groups())
        text = _moment(({}, text))
    elif key == "tel":
        text = text.removeprefix("tel:").replace(";ext=", " ext. ")
    kinds = [kind for kind in parameters.get("TYPE", "").lower().split(",") if kind in _KINDS_SHOWN]
    pair = words.pair(key, text)
    if not pair or not kinds:
        return pair
    shown = ", ".join(words[kind] for kind in kinds)
    return pair.replace(words[key], f"{words[key]} ({shown})", 1)
