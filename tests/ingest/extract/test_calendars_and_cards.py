"""Calendars and address cards: each entry is understood alone, in the language it is written in."""

from pathlib import Path

import pytest

from ingest.documents import Document
from ingest.errors import ExtractError
from ingest.extract.extractor import read_file

EVENTS = """BEGIN:VCALENDAR
X-WR-CALNAME:House
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
SUMMARY:Boiler inspection
DTSTART;TZID=Europe/Berlin:20250612T093000
DTEND;TZID=Europe/Berlin:20250612T110000
LOCATION:Cellar\\, House B
DESCRIPTION:Bring the meter keys.\\nAsk for Ms Orr
 away.
RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TH;UNTIL=20251231
ATTENDEE;CN="Quist, Tim":mailto:tim@example.com
STATUS:CANCELLED
BEGIN:VALARM
TRIGGER:-PT15M
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
BEGIN:VEVENT
SUMMARY:部门团建
DTSTART;VALUE=DATE:20250701
DTEND;VALUE=DATE:20250703
LOCATION:莫干山
END:VEVENT
BEGIN:VTODO
SUMMARY:Pay the plumber
DUE;VALUE=DATE:20250630
END:VTODO
END:VCALENDAR
"""
CARDS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Mara Quist\r\nN:Quist;Mara;;;\r\nORG:Northlight;Sales\r\n"
    "item1.TEL;TYPE=CELL,VOICE:+47 555 0199\r\nADR;TYPE=WORK:;;Fjord Road 3;Bergen;;5003;Norway\r\n"
    "BDAY:19840229\r\nPHOTO;ENCODING=b:/9j/4AAQSkZJRgABAQ\r\n AAAQABAAD\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE:=C0=EE;=C3=F4;;;\r\n"
    "TEL;CELL:13800138000\r\nORG;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE:=B2=C6=\r\n=CE=F1=B2=BF\r\n"
    "END:VCARD\r\n"
)


def read(path: Path, content: str) -> Document:
    path.write_text(content, encoding="utf-8", newline="")
    return read_file(path)


def test_an_event_says_what_when_and_where_in_one_line(tmp_path: Path) -> None:
    found = read(tmp_path / "house.ics", EVENTS.replace("\n", "\r\n"))
    assert found.title == "House"
    assert found.text.splitlines()[2] == (
        "- Boiler inspection; When: 2025-06-12 09:30 to 11:00 Europe/Berlin; "
        "Repeats: every week × 2, Thursday, until 2025-12-31; Where: Cellar, House B; "
        "Attendees: Quist, Tim <tim@example.com>; Status: cancelled"
    )
    assert "Bring the meter keys.\nAsk for Ms Orraway." in found.text
    assert "- Pay the plumber; Due: 2025-06-30" in found.text


def test_the_last_day_of_a_journey_is_its_last_day(tmp_path: Path) -> None:
    # RFC 5545, 3.6.1: a DTEND that is a day is the day after the last one.
    found = read(tmp_path / "house.ics", EVENTS)
    assert "- 部门团建; 时间: 2025-07-01 至 2025-07-02; 地点: 莫干山" in found.text


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("DTSTART;VALUE=DATE:20260130\nDTEND;VALUE=DATE:20260130", "When: 2026-01-30"),
        (
            "DTSTART:20260504T230000Z\nDURATION:PT1H30M",
            "When: 2026-05-04 23:00 UTC to 2026-05-05 00:30 UTC",
        ),
        ("DTSTART;VALUE=DATE:20260504\nDURATION:P3D", "When: 2026-05-04 to 2026-05-06"),
        ("DTSTART;VALUE=DATE:20260504\nDURATION:P1W", "When: 2026-05-04 to 2026-05-10"),
        ("DTSTART:20260504T090000\nDURATION:P", "When: 2026-05-04 09:00"),
        ("RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=2SU", "Repeats: every year, BYMONTH=5, BYDAY=2SU"),
        ("RRULE:FREQ=MONTHLY;BYMONTHDAY=15;COUNT=2", "Repeats: every month, BYMONTHDAY=15, 2 ×"),
        (
            "RRULE:FREQ=MONTHLY;BYDAY=MO,FR;BYSETPOS=-1",
            "Repeats: every month, BYDAY=MO,FR, BYSETPOS=-1",
        ),
        ("RDATE;VALUE=DATE:20260511,20260518", "Also: 2026-05-11, 2026-05-18"),
        (
            "RECURRENCE-ID:20260511T220000Z\nSTATUS:CANCELLED",
            "Originally: 2026-05-11 22:00 UTC; Status: cancelled",
        ),
    ],
)
def test_when_an_event_is_and_is_again_is_as_the_file_has_it(
    lines: str, told: str, tmp_path: Path
) -> None:
    event = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Talk\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n"
    found = read(tmp_path / "talk.ics", event).text
    assert found == f"- Talk; {told}"


def test_alarms_and_rules_of_time_zones_are_no_events(tmp_path: Path) -> None:
    found = read(tmp_path / "house.ics", EVENTS)
    assert "1970" not in found.text
    assert "Reminder" not in found.text


def test_a_card_says_whose_number_it_is_in_one_line(tmp_path: Path) -> None:
    first, second = read(tmp_path / "people.vcf", CARDS).text.split("\n\n")
    assert first == (
        "- Mara Quist; Organization: Northlight, Sales; Phone (mobile): +47 555 0199; "
        "Address (work): Fjord Road 3, Bergen, 5003, Norway; Birthday: 1984-02-29"
    )
    assert second == "- 李敏; 单位: 财务部; 电话 (手机): 13800138000"


CARD_LINES = [
    ('TEL;VALUE=uri;TYPE="cell,voice":tel:+1-418-262-6501', "Phone (mobile): +1-418-262-6501"),
    ("TEL;TYPE=work:tel:+1-418-656-9254;ext=102", "Phone (work): +1-418-656-9254 ext. 102"),
    ("X-QQ:12345678", "QQ: 12345678"),
    ("X-WECHAT:quist88", "WeChat: quist88"),
    ("IMPP:xmpp:mara@example.org", "Messages: xmpp:mara@example.org"),
    ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-15", "Birthday: 04-15"),
    ("BDAY:--0415", "Birthday: 04-15"),
    ("BDAY:1984-04-15", "Birthday: 1984-04-15"),
    ("BDAY:1984", "Birthday: 1984"),
    ("BDAY:19840415", "Birthday: 1984-04-15"),
]


@pytest.mark.parametrize(("line", "told"), CARD_LINES)
def test_a_card_says_all_its_ways_to_reach_someone(line: str, told: str, tmp_path: Path) -> None:
    card = f"BEGIN:VCARD\nFN:Mara Quist\n{line}\nEND:VCARD\n"
    assert read(tmp_path / "mara.vcf", card).text == f"- Mara Quist; {told}"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "a.ics",
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:食|堂改造\r\nEND:VEVENT\r\nEND:VCALENDAR",
        ),
        ("a.vcf", "BEGIN:VCARD\r\nFN:食|堂改造\r\nEND:VCARD\r\n"),
    ],
)
@pytest.mark.parametrize("at", [1, 2])
def test_a_line_may_be_folded_within_a_character(
    name: str, content: str, at: int, tmp_path: Path
) -> None:
    before, after = (each.encode() for each in content.split("|"))
    path = tmp_path / name
    path.write_bytes(before + after[:at] + b"\r\n " + after[at:])
    assert "食堂改造" in read_file(path).text


@pytest.mark.parametrize(("name", "content"), [("a.ics", "no calendar"), ("a.vcf", "BEGIN:X\n")])
def test_what_is_no_calendar_is_said_to_be_damaged(name: str, content: str, tmp_path: Path) -> None:
    with pytest.raises(ExtractError) as caught:
        read(tmp_path / name, content)
    assert caught.value.reason == "unsupported"


def test_the_calendar_of_an_invitation_is_read_beside_its_text(tmp_path: Path) -> None:
    mail = (
        "Subject: Invitation\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=x\n"
        "\n--x\nContent-Type: text/plain\n\nPlease come.\n--x\nContent-Type: text/html\n\n"
        "<p>Please come.</p>\n--x\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n"
        "BEGIN:VEVENT\nSUMMARY:Tasting\nDTSTART:20250703T160000Z\nEND:VEVENT\nEND:VCALENDAR\n--x--\n"
    )
    text = read(tmp_path / "invitation.eml", mail).text
    assert "- Tasting; When: 2025-07-03 16:00 UTC" in text
    assert text.count("Please come.") == 1


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("old.DOC", ".docx"),
        ("表.et", ".xlsx"),
        ("talk.key", ".pptx"),
        ("novel.azw3", "Calibre"),
        ("call.mp3", "transcript"),
        ("paper.caj", ".pdf"),
    ],
)
def test_a_kind_without_a_reader_is_told_what_to_be_saved_as(
    name: str, advice: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    with pytest.raises(ExtractError) as caught:
        read_file(path)
    assert advice in caught.value.hint.localize("en")
