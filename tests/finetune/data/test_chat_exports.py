"""Chats as Telegram and Discord export them: no conversation's number, but hours of silence."""

import json
from pathlib import Path

from finetune.data.readers import read_records
from finetune.data.rows import RejectedRow
from finetune.recipe import DataTable
from finetune.records import Record


def read(path: Path, answer: str = "") -> list[Record | RejectedRow]:
    names = {"answer": answer} if answer else {}
    return list(read_records(path, DataTable(files=(path.name,), map=names)))


def turns(rows: list[Record | RejectedRow]) -> list[list[tuple[str, str]]]:
    assert all(isinstance(row, Record) for row in rows), rows
    return [
        [(turn.user, turn.answer) for turn in row.turns] for row in rows if isinstance(row, Record)
    ]


def telegram(*said: tuple[str, str, object]) -> str:
    messages = [
        {
            "id": number,
            "type": "message",
            "date": f"2024-03-0{day}T10:0{number % 10}:00",
            "from": name,
            "from_id": f"user{name}",
            "text": text,
            "text_entities": [],
        }
        for number, (day, name, text) in enumerate(said, start=1)
    ]
    joined = {"id": 0, "type": "service", "date": "2024-03-01T09:00:00", "actor": "Ann"}
    chat = {"name": "Shop", "type": "personal_chat", "id": 4711}
    return json.dumps(chat | {"messages": [joined | {"text": ""}, *messages]}, indent=1)


def test_a_telegram_chat_is_cut_at_hours_of_silence(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    link = ["See ", {"type": "link", "text": "https://shop.example"}, " for it."]
    path.write_text(
        telegram(
            ("1", "Ann", "Do you have red tea?"),
            ("1", "Support", "Yes, two kinds."),
            ("2", "Ann", "Where do I order?"),
            ("2", "Support", link),
        )
    )
    assert turns(read(path)) == [
        [("Do you have red tea?", "Yes, two kinds.")],
        [("Where do I order?", "See https://shop.example for it.")],
    ]


def test_where_no_name_tells_who_answers_the_recipe_does(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(telegram(("1", "Ann", "几点开门？"), ("1", "Bob", "九点。")), encoding="utf-8")
    (rejected,) = read(path)
    assert isinstance(rejected, RejectedRow)
    assert "data.map.answer" in str(rejected.reason)
    assert turns(read(path, "Bob")) == [[("几点开门？", "九点。")]]


def test_a_discord_table_is_put_together(tmp_path: Path) -> None:
    path = tmp_path / "channel.csv"
    path.write_text(
        "AuthorID,Author,Date,Content,Attachments,Reactions\n"
        "1,ann,05-Jan-24 10:00 AM,Is the server down?,,\n"
        "2,support-bot,05-Jan-24 10:02 AM,It restarts every Friday.,,\n"
        "1,ann,05-Jan-24 03:00 PM,And today?,,\n"
        "2,support-bot,05-Jan-24 03:01 PM,It runs.,,\n"
    )
    assert turns(read(path)) == [
        [("Is the server down?", "It restarts every Friday.")],
        [("And today?", "It runs.")],
    ]


def test_a_table_of_articles_stays_a_table(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text(
        "author,date,text,label\nann,2024-01-05,Good tea.,good\nbob,2024-01-05,Cold tea.,bad\n"
    )
    rows = read(path)
    assert [row.label for row in rows if isinstance(row, Record)] == ["good", "bad"]


def test_a_row_of_messages_over_many_lines_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    said = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]
    path.write_text(json.dumps({"messages": said}, indent=2))
    assert turns(read(path)) == [[("Hi?", "Hello.")]]
