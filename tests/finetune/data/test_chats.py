"""Chats as people export them or write them down, and conversations as programs keep them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from finetune.data.files.chat_text import is_chat
from finetune.data.readers import parse_row, read_records
from finetune.data.rows import RejectedRow
from finetune.own_recipe import write_own_recipe
from finetune.recipe import DataTable, load_recipe
from finetune.records import RawRow, Record

ASKED, SAID = "怎么退货？", "七天内可退。"
AUTO = DataTable(files=("a.txt",))


def turns_in(path: Path, data: DataTable = AUTO) -> list[list[tuple[str, str]]]:
    """Return question and answer of each turn, of each record of a file."""
    return [
        [(turn.user, turn.answer) for turn in one.turns]
        for one in read_records(path, data)
        if isinstance(one, Record)
    ]


def written(folder: Path, text: str, name: str = "a.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


CHATS = {
    "turns": "客户：怎么退货？\n客服：七天内可退。\n客户：好的\n客服：不客气\n\n"
    "客户：几点开门？\n客服：九点。\n",
    "rules": "User: 怎么退货？\nAssistant: 七天内可退。\nUser: 好的\nAssistant: 不客气\n-----\n"
    "User: 几点开门？\nAssistant: 九点。\n",
    "tags": "[客户] 怎么退货？\n[客服] 七天内可退。\n[客户] 好的\n[客服] 不客气\n\n"
    "[客户] 几点开门？\n[客服] 九点。\n",
    "whatsapp": "Messages are end-to-end encrypted.\n"
    "[01/02/2026, 10:23:45] Ann: 怎么退货？\n[01/02/2026, 10:24:00] Shop Support: 七天内可退。\n"
    "[01/02/2026, 10:25:45] Ann: 好的\n[01/02/2026, 10:25:50] Shop Support: 不客气\n"
    "[01/02/2026, 18:25:45] Ann: 几点开门？\n[01/02/2026, 18:25:50] Shop Support: 九点。\n",
    "android": "1/2/26, 10:23 AM - Ann: 怎么退货？\n1/2/26, 10:24 AM - Support: 七天内可退。\n"
    "1/2/26, 10:25 AM - Ann: 好的\n1/2/26, 10:25 AM - Support: 不客气\n"
    "1/2/26, 10:25 PM - Ann: 几点开门？\n1/2/26, 10:26 PM - Support: 九点。\n",
    "wechat": "2026-01-02 10:23:45 张三\n怎么退货？\n\n"
    "2026-01-02 10:24:00 旗舰店客服\n七天内可退。\n\n"
    "2026-01-02 10:25:45 张三\n好的\n\n2026-01-02 10:25:50 旗舰店客服\n不客气\n\n"
    "2026-01-03 10:23:45 张三\n几点开门？\n2026-01-03 10:24:00 旗舰店客服\n九点。\n",
    "qq": "消息记录（此消息记录为文本格式）\n\n2026-01-02 10:23:45 张三(12345)\n怎么退货？\n\n"
    "2026-01-02 10:24:00 客服小美<a@b.cn>\n七天内可退。\n\n"
    "2026-01-02 10:25:45 张三(12345)\n好的\n\n"
    "2026-01-02 10:25:50 客服小美<a@b.cn>\n不客气\n\n"
    "2026-01-02 12:23:45 张三(12345)\n几点开门？\n\n"
    "2026-01-02 12:24:00 客服小美<a@b.cn>\n九点。\n",
    "wangwang": "tb甲 (2026-01-02 10:23:45):  怎么退货？\n"
    "旗舰店:小二 (2026-01-02 10:24:05):  七天内可退。\n"
    "tb甲 (2026-01-02 10:25:45):  好的\n旗舰店:小二 (2026-01-02 10:26:05):  不客气\n"
    "tb乙 (2026-01-02 10:27:45):  几点开门？\n旗舰店:小二 (2026-01-02 10:28:05):  九点。\n",
}


@pytest.mark.parametrize("kind", CHATS)
def test_a_chat_is_read_conversation_by_conversation(kind: str, tmp_path: Path) -> None:
    assert turns_in(written(tmp_path, CHATS[kind])) == [
        [(ASKED, SAID), ("好的", "不客气")],
        [("几点开门？", "九点。")],
    ]


def test_without_breaks_each_answer_ends_a_conversation(tmp_path: Path) -> None:
    text = "客户：怎么退货？\n要快。\n客服：七天内可退。\n客户：几点开门？\n客服：九点。\n"
    assert turns_in(written(tmp_path, text)) == [
        [("怎么退货？\n要快。", SAID)],
        [("几点开门？", "九点。")],
    ]


def test_a_chat_that_was_copied_has_name_and_time_above_each_message(tmp_path: Path) -> None:
    text = "张三 10:23\n怎么退货？\n\n客服小美 10:24\n七天内可退。\n\n"
    assert turns_in(written(tmp_path, text * 2)) == [[(ASKED, SAID)]] * 2


def test_what_is_no_text_in_a_chat_is_left_out(tmp_path: Path) -> None:
    text = (
        "2026-01-02 10:23:45 张三\n[图片]\n2026-01-02 10:23:50 张三\n怎么退货？\n"
        "2026-01-02 10:24:00 客服\n[语音]\n2026-01-02 10:24:10 客服\n七天内可退。\n"
    )
    assert turns_in(written(tmp_path, text)) == [[(ASKED, SAID)]]


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("2026-01-01 中午12:55", "2026-01-01 中午1:03"),
        ("2026-01-01 上午11:55", "2026-01-01 中午12:03"),
        ("2026-01-01 凌晨12:55", "2026-01-01 凌晨1:03"),
        ("1/2/26, 12:58:00 AM -", "1/2/26, 1:02:10 AM -"),
        ("1/2/26, 11:58:00 AM -", "1/2/26, 12:02:10 PM -"),
    ],
)
def test_noon_and_midnight_are_no_break_of_a_conversation(
    before: str, behind: str, tmp_path: Path
) -> None:
    text = (
        f"{before} 客户: 怎么退货？\n{before} 客服: 七天内可退。\n"
        f"{behind} 客户: 好的\n{behind} 客服: 不客气\n"
    )
    assert turns_in(written(tmp_path, text)) == [[(ASKED, SAID), ("好的", "不客气")]]


def test_what_the_program_of_a_chat_says_itself_is_left_out(tmp_path: Path) -> None:
    text = (
        "1/2/26, 10:23 - Ann: 怎么退货？\n1/2/26, 10:24 - Support: 七天内可退。\n"
        "1/2/26, 10:27 - Support added Carl\n"
        "1/2/26, 10:28 - Ann: 好的\n1/2/26, 10:29 - Support: 不客气\n2026-01-05 10:00 到货\n"
    )
    assert turns_in(written(tmp_path, text)) == [
        [(ASKED, SAID), ("好的", "不客气\n2026-01-05 10:00 到货")]
    ]


@pytest.mark.parametrize("levels", ["INFO WARN INFO ERROR", "info debug info warning"])
@pytest.mark.parametrize("where", ["", " server"])
def test_the_log_of_a_program_is_no_chat(levels: str, where: str) -> None:
    lines = [f"2026-01-01 10:0{n} {one}{where}: a\n" for n, one in enumerate(levels.split())]
    assert not is_chat("".join(lines))


STRANGERS = "".join(
    f"[0{n}/02/2026, 10:23:45] Ann: {ASKED}\n[0{n}/02/2026, 10:24:00] Bob: {SAID}\n"
    for n in range(1, 4)
)


def test_who_answers_is_asked_for_where_no_name_tells(tmp_path: Path) -> None:
    path = written(tmp_path, STRANGERS)
    rejected = [one for one in read_records(path, AUTO) if isinstance(one, RejectedRow)]
    assert len(rejected) == 3
    assert "who of Ann, Bob answers" in rejected[0].reason.localize("en")
    assert "data.map.answer" in rejected[0].reason.localize("zh")
    told = DataTable(files=("a.txt",), map={"answer": "Bob"})
    assert turns_in(path, told) == [[(ASKED, SAID)]] * 3


@pytest.mark.parametrize(
    "text",
    [
        "name: Ann\nhost: a\nport: 3\nuser: b\npath: c\nmode: d\n",
        "Note: a\nWarning: b\nNote: c\nWarning: d\n",
        "text\nwith: colons\nand: more\nwith: colons\nand: more\n",
    ],
)
def test_lines_with_colons_are_no_chat(text: str, tmp_path: Path) -> None:
    assert turns_in(written(tmp_path, text)) == []


READ_CHAT = """
import io
from finetune.data.files.chat_text import chat_rows, is_chat
chat = {chat!r}
for mark in {marks!r}:
    for begun in ("", "2026-01-01 10:00 "):
        line = begun + mark * 100_000 + "!\\n"
        assert not is_chat(line * 3)
        assert list(chat_rows(io.StringIO(chat + line + chat), "a", 1 << 20))
"""


@pytest.mark.parametrize("kind", ["turns", "tags", "whatsapp", "qq", "wangwang"])
def test_a_line_full_of_marks_is_read_at_once(kind: str) -> None:
    program = READ_CHAT.format(
        chat=CHATS[kind], marks=[*"*- >-(=[", "* ", "a ", "a*", "2026-01-01 "]
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_long_message_is_kept_whole(tmp_path: Path) -> None:
    long = "很" * 1_000
    text = f"客户：怎么退货？\n客服：{long}\n客户：几点开门？\n客服：九点。\n"
    assert turns_in(written(tmp_path, text))[0] == [(ASKED, long)]


TABLES = {
    "zh.csv": "会话ID,发送人,角色,内容\nC1,张三,客户,怎么退货？\nC1,小美,客服,七天内可退。\n"
    "C2,李四,客户,几点开门？\nC2,小美,客服,九点。\n",
    "en.csv": "conversation_id,role,content\n1,user,怎么退货？\n1,assistant,七天内可退。\n"
    "2,user,几点开门？\n2,assistant,九点。\n",
    "a.jsonl": "\n".join(
        json.dumps({"session_id": n, "speaker": speaker, "text": text})
        for n, speaker, text in [
            (1, "user", ASKED),
            (1, "bot", SAID),
            (2, "user", "几点开门？"),
            (2, "bot", "九点。"),
        ]
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_with_one_message_a_row_is_put_together(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, TABLES[name], name)
    assert turns_in(path) == [[(ASKED, SAID)], [("几点开门？", "九点。")]]


def node(role: str, text: str, parent: str) -> dict[str, Any]:
    return {
        "message": {"author": {"role": role}, "content": {"parts": [text]}},
        "parent": parent,
        "children": [],
    }


ROWS: dict[str, dict[str, Any]] = {
    "chatgpt": {
        "title": "t",
        "mapping": {
            "root": {"message": None, "parent": None},
            "s": node("system", "", "root"),
            "u": node("user", ASKED, "s"),
            "old": node("assistant", "第一次的回答", "u"),
            "new": node("assistant", SAID, "u"),
        },
        "current_node": "new",
    },
    "xtuner": {"conversation": [{"system": "s", "input": ASKED, "output": SAID}]},
    "gemini": {
        "contents": [
            {"role": "user", "parts": [{"text": ASKED}]},
            {"role": "model", "parts": [{"text": SAID}]},
        ]
    },
    "hashes": {"text": f"### Human: {ASKED}\n### Assistant: {SAID}"},
    "response": {"text": f"Below is a task.\n\n### Instruction:\n{ASKED}\n\n### Response:\n{SAID}"},
    "inst": {"text": f"<s>[INST] {ASKED} [/INST] {SAID} </s>"},
    "llama2": {"text": f"<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n{ASKED} [/INST] {SAID}</s>"},
    "chatml": {
        "text": f"<|im_start|>user\n{ASKED}<|im_end|>\n<|im_start|>assistant\n{SAID}<|im_end|>\n"
    },
    "moss": {"plain_text": f"[Human]: {ASKED}<eoh> [MOSS]: {SAID}<eom>"},
    "anthropic": {
        "chosen": f"\n\nHuman: {ASKED}\n\nAssistant: {SAID}",
        "rejected": f"\n\nHuman: {ASKED}\n\nAssistant: 不知道。",
    },
}


@pytest.mark.parametrize("kind", ROWS)
def test_conversations_of_other_programs_are_read(kind: str) -> None:
    read = parse_row(RawRow(source="a:1", fields=ROWS[kind]), AUTO)
    assert isinstance(read, Record), read
    assert [(turn.user, turn.answer) for turn in read.turns] == [(ASKED, SAID)]
    assert (read.rejected is not None) == (kind == "anthropic")


def chatgpt(*messages: Any, **fields: Any) -> Record | RejectedRow | None:
    tree = {
        str(n): {"message": message, "parent": str(n - 1)} for n, message in enumerate(messages)
    }
    row: dict[str, Any] = {"mapping": tree, "current_node": str(len(messages) - 1), **fields}
    return parse_row(RawRow(source="a:1", fields=row), AUTO)


USER, ANSWER = (
    node(role, text, "")["message"] for role, text in (("user", ASKED), ("assistant", SAID))
)


@pytest.mark.parametrize(
    "read",
    [
        lambda: chatgpt({**USER, "author": "user"}, ANSWER),
        lambda: chatgpt({**USER, "content": "hi"}, ANSWER),
        lambda: chatgpt({**USER, "content": {"parts": 5}}, ANSWER),
        lambda: chatgpt("hi", ANSWER),
        lambda: chatgpt(USER, ANSWER, current_node=["1"]),
        lambda: chatgpt(USER, ANSWER, mapping={"a": {"message": ANSWER, "parent": ["a"]}}),
    ],
)
def test_a_broken_conversation_of_an_export_is_one_rejected_row(
    read: Callable[[], Record | RejectedRow],
) -> None:
    assert isinstance(read(), RejectedRow)


def test_only_what_is_said_in_an_export_is_an_answer() -> None:
    author = ANSWER["author"]
    read = chatgpt(
        USER,
        {"author": author, "content": {"content_type": "thoughts", "parts": ["Let me see."]}},
        {"author": author, "content": {"content_type": "code", "parts": ["x"]}},
        {**ANSWER, "recipient": "python", "content": {"content_type": "text", "parts": ["y"]}},
        {**ANSWER, "recipient": "all", "content": {"content_type": "text", "parts": [SAID]}},
    )
    assert isinstance(read, Record)
    assert [(turn.user, turn.answer) for turn in read.turns] == [(ASKED, SAID)]


def test_without_a_last_message_the_newest_branch_of_an_export_is_read() -> None:
    tree = {
        "u": {"message": USER, "parent": None},
        "new": {"message": {**ANSWER, "create_time": 9.5}, "parent": "u"},
        "old": {"message": {**USER, "create_time": 3}, "parent": "u"},
    }
    read = chatgpt(mapping=tree, current_node=None)
    assert isinstance(read, Record)
    assert [(turn.user, turn.answer) for turn in read.turns] == [(ASKED, SAID)]


def test_all_answers_of_conversations_are_learnt_by_the_recipe_made_of_them(tmp_path: Path) -> None:
    made = write_own_recipe(
        written(tmp_path, "\n".join([CHATS["turns"]] * 4), "chat.txt"), "", tmp_path
    )
    assert load_recipe(made.path).train.turns == "last"  # half of them have one turn
    one = CHATS["turns"].partition("\n\n")[0] + "\n\n"
    made = write_own_recipe(written(tmp_path, one * 4, "long.txt"), "", tmp_path)
    assert load_recipe(made.path).train.turns == "all"
