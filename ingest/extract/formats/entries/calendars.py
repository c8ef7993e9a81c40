"""Calendars: .ics files (RFC 5545)."""

import datetime
import re
from collections.abc import Iterator, Mapping

from ingest.extract.base import DamagedFileError, FileContent
from ingest.extract.formats.entries.content_lines import (
    LABELS,
    MAX_ENTRIES,
    TIME,
    Component,
    FieldLabels,
    parse_components,
    render_moment,
)
from ingest.extract.formats.zip_parts import names_damage

_DURATION = re.compile(
    r"\+?P(?:(?P<weeks>\d{1,3})W)?(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?:(?P<hours>\d{1,4})H)?(?:(?P<minutes>\d{1,5})M)?(?:(?P<seconds>\d{1,6})S)?)?"
)
_RULE_PART = re.compile(r"(\w+)=([^;]+)")
_PICKS = frozenset(
    {"BYSETPOS", "BYMONTHDAY", "BYMONTH", "BYYEARDAY", "BYWEEKNO", "BYHOUR", "BYMINUTE", "BYSECOND"}
)
"""Parts of a rule of repetition that make another rule of its days."""


@names_damage
def read_calendar(body: bytes, charset: str | None) -> FileContent:
    """Return the events, tasks and notes of an .ics file, one line each with what it says."""
    entries = list(parse_components(body, charset))[:MAX_ENTRIES]
    shown = [each for each in entries if each.kind in ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY")]
    calendar = next((each for each in entries if each.kind == "VCALENDAR"), None)
    if calendar is None and not shown:
        raise DamagedFileError
    names = calendar.texts("X-WR-CALNAME") + calendar.texts("NAME") if calendar else []
    blocks = [block for each in shown for block in _event_blocks(each)]
    return FileContent(
        text="\n\n".join([*(f"# {name}" for name in names[:1] if blocks), *blocks]),
        title=names[0] if names else "",
    )


def _event_blocks(event: Component) -> Iterator[str]:
    words = FieldLabels(" ".join(event.texts("SUMMARY") + event.texts("DESCRIPTION")))
    fields = [
        words.pair("when", _span(event, words)),
        words.pair("busy", ", ".join(_busy_spans(event, words))),
        words.pair("due", render_moment(event.first("DUE"))),
        words.pair("repeats", _repetition(event.first("RRULE")[1], words)),
        words.pair("except", ", ".join(map(render_moment, event.lines.get("EXDATE", [])))),
        words.pair("also", ", ".join(map(render_moment, event.lines.get("RDATE", [])))),
        words.pair("originally", render_moment(event.first("RECURRENCE-ID"))),
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


def _busy_spans(event: Component, words: FieldLabels) -> Iterator[str]:
    """Yield the periods of a VFREEBUSY in which somebody is not free."""
    for parameters, value in event.lines.get("FREEBUSY", []):
        for period in () if parameters.get("FBTYPE") == "FREE" else value.split(","):
            start, _, end = period.strip().partition("/")
            if length := _DURATION.fullmatch(end):
                end = _after(start, length)
            shown = [render_moment(({}, each)) for each in (start, end)]
            yield f" {words['to']} ".join(filter(None, shown))


def _span(event: Component, words: FieldLabels) -> str:
    """Return when an event begins and ends, without saying a day or a zone twice."""
    begin, end = render_moment(event.first("DTSTART")), _last_moment(event)
    if end in ("", begin):
        return begin
    day, _, hours = begin.partition(" ")
    last_day, _, last_hours = end.partition(" ")
    if day == last_day:
        end = last_hours
        if hours.partition(" ")[2] == last_hours.partition(" ")[2]:
            begin = f"{day} {hours.partition(' ')[0]}"
    return f"{begin} {words['to']} {end}"


def _last_moment(event: Component) -> str:
    """Return when an event ends; of whole days the last one, where the file names the one after."""
    parameters, value = event.first("DTEND")
    start_parameters, start = event.first("DTSTART")
    if not value and (length := _DURATION.fullmatch(event.first("DURATION")[1].strip())):
        parameters, value = start_parameters, _after(start, length)
    if "T" in value or not (found := TIME.match(value)):
        return render_moment((parameters, value))
    try:
        last = datetime.date(*map(int, found.groups()[:3])) - datetime.timedelta(days=1)
    except (ValueError, OverflowError):
        return ""
    # Many programs name the day itself as the one after it.
    return last.isoformat() if last.isoformat() > render_moment((start_parameters, start)) else ""


def _after(start: str, length: re.Match[str]) -> str:
    """Return the value of a DTEND that is `length` after a DTSTART, "" if that is no time."""
    found = TIME.match(start.strip())
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


def _repetition(rule: str, words: FieldLabels) -> str:
    """Return a rule of repetition in words: "every week, Monday, until 2025-12-31".

    One that picks among its days, "the last of the month", stays as it is written.
    """
    parts = {name.upper(): value for name, value in _RULE_PART.findall(rule)}
    often = parts.get("FREQ", "").lower()
    if not often:
        return ""
    shown = [words[often] if often in LABELS else often]
    if parts.get("INTERVAL", "1") != "1":
        shown[0] += f" × {parts['INTERVAL']}"
    picks = [f"{name}={value}" for name, value in parts.items() if name.startswith("BY")]
    if parts.keys().isdisjoint(_PICKS):
        days = parts.get("BYDAY", "").split(",")
        picks = [words.day(code.strip()) for code in days if code.strip()]
    shown += picks
    if until := render_moment(({}, parts.get("UNTIL", ""))):
        shown.append(f"{words['until']} {until}")
    if count := parts.get("COUNT"):
        shown.append(f"{count} ×")
    return ", ".join(shown)


def _person(parameters: Mapping[str, str], value: str) -> str:
    address = re.sub(r"(?i)^mailto:", "", value.strip())
    name = parameters.get("CN", "")
    return f"{name} <{address}>" if name and address and name != address else name or address
