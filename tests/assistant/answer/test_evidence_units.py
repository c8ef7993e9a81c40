"""What a block is: what a reader needs to read it alone, with exact ranges."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answer.evidence import choose_evidence
from assistant.answer.evidence.units import MOST_READ, split_into_units
from assistant.values import EvidenceKind
from tests.evidence_samples import ORDERS, best, passages

GIT = """## OPTIONS

-a
--all
: This option is only valid for push and save: all ignored and untracked files are stashed.

-q

--quiet
: Quiet, suppress feedback messages.

clear
: Remove all the stash entries. They may be impossible to recover.

drop
: Remove a single stash entry from the list of stash entries.
"""

MAN = """SYNOPSIS
       cp [OPTION]... SOURCE DEST

DESCRIPTION
       Copy SOURCE to DEST, or multiple SOURCE(s) to DIRECTORY.

       -f, --force
              if an existing destination file cannot be opened, remove it and
              try again (this option is ignored when the -n option is used)

       -n     do not overwrite an existing file

       -R, -r, --recursive
              copy directories recursively
"""

HELP_ZH = """用法：工具 [选项]

  --dry-run       只显示将要执行的操作，不做任何修改
  --force         覆盖已经存在的文件
  --quiet         不输出任何信息
"""

INSTALL = """## Installation

The tool needs Python 3.11.

To install it for all users, run:

```
sudo pipx install --global widgetry
```

To remove it again:

```
pipx uninstall widgetry
```
"""

INSTALL_ZH = """## 安装

要查看引导时的默认目标，请执行

```
systemctl get-default
```

如果不希望某个服务在开机时启动，可以运行

```
systemctl disable 服务名
```
"""

TABLE = """| Model | Weight | Flight time |
|---|---|---|
| Kite 2 | 249 g | 31 minutes |
| Kite Pro | 595 g | 46 minutes |
"""

TABLE_ZH = "| 类别 | 重量 |\n|---|---|\n| 微型 | 空机重量小于0.25千克 |\n| 大型 | 超过150千克 |"

LIST = """The runlevels are these.

Linux knows the following runlevels:

- 0 halts the system,
- 1 is single-user mode,
- 6 reboots the system.

Everything else is up to you.
"""


@pytest.mark.parametrize(
    ("question", "text", "kind", "shown"),
    [
        ("How do I remove all stash entries?", GIT, "definition", "clear: Remove all the stash"),
        ("Which option suppresses feedback?", GIT, "definition", "-q, --quiet: Quiet, suppress"),
        ("How do I copy directories recursively?", MAN, "definition", "-R, -r, --recursive: copy"),
        ("Which option does not overwrite an existing file?", MAN, "definition", "-n: do not"),
        ("哪个选项覆盖已经存在的文件？", HELP_ZH, "definition", "--force: 覆盖已经存在的文件"),
        ("How do I install widgetry for all users?", INSTALL, "code", "pipx install --global"),
        ("How do I remove the tool again?", INSTALL, "code", "pipx uninstall widgetry"),
        ("怎样查看引导时的默认目标？", INSTALL_ZH, "code", "systemctl get-default"),
        ("怎样让服务在开机时不启动？", INSTALL_ZH, "code", "systemctl disable 服务名"),
        ("How heavy is the Kite Pro?", TABLE, "row", "Kite Pro · 595 g · 46 minutes"),
        ("微型无人机的重量是多少?", TABLE_ZH, "row", "类别 · 重量\n微型 · 空机重量小于0.25千克"),
        ("Which runlevels does Linux know?", LIST, "list", "- 1 is single-user mode"),
    ],
)
def test_unit_is_what_a_reader_needs(
    question: str, text: str, kind: EvidenceKind, shown: str
) -> None:
    block = best(question, text)
    assert (block.kind, shown in block.text) == (kind, True), block


def test_code_is_shown_with_what_leads_to_it_and_as_it_was_written() -> None:
    code = "for n in range(3):\n    print(n, a[1])  # [2]\n\tx = **y"
    block = best("How do I print numbers?", f"Print the numbers like this:\n\n```py\n{code}\n```")
    assert block.text == f"Print the numbers like this:\n```\n{code}\n```"


SUBJECTS = ("glider", "balloon", "sea", "night", "mountain", "desert", "forest", "polar", "city")


def test_code_that_a_converter_cut_out_of_its_sentence_stands_in_it_again() -> None:
    text = (
        "List the tags with a pattern, e.g.\n\n```\ngit tag --list\n        'v-*'\n```\n\n"
        ", and only those that match are shown.\n\n```\nchown\n```\n\n(1)用于修改文件的所有者。"
        "你能够使用“\n\n```\ncrontab\n-e\n```\n\n”命令创建一个文件。"
    )
    units = split_into_units(passages(text)[0])
    assert [(unit.kind, unit.text) for unit in units] == [
        (
            "sentence",
            "List the tags with a pattern, e.g. git tag --list 'v-*' , and only those that match "
            "are shown.",
        ),
        ("sentence", "chown (1)用于修改文件的所有者。"),
        ("sentence", "你能够使用“ crontab -e ”命令创建一个文件。"),
    ]


def test_code_of_its_own_stays_code() -> None:
    text = (
        "## Install\n\n```\nmake\n```\n\nThen run:\n\n```\nmake test\n```\n\nand wait for the end."
    )
    units = split_into_units(passages(text)[0])
    assert [unit.text for unit in units if unit.kind == "code"] == [
        "```\nmake\n```",
        "Then run:\n```\nmake test\n```",
    ]


def test_code_that_describes_a_term_is_shown_under_it() -> None:
    text = "Undo a merge\n: ```\n$ git pull\n$ git reset\n```\n\nUndo an add\n: ```\n$ edit\n```\n"
    assert [unit.text for unit in split_into_units(passages(text)[0])] == [
        "Undo a merge\n```\n$ git pull\n$ git reset\n```",
        "Undo an add\n```\n$ edit\n```",
    ]


def test_text_between_two_cut_pieces_of_code_is_no_code() -> None:
    text = "make\nmake test\n```\n\nThe tests take two minutes.\n\n```\nmake install"
    assert [unit.text for unit in split_into_units(passages(text)[0])] == [
        "```\nmake\nmake test\n```",
        "The tests take two minutes.\n```\nmake install\n```",
    ]


def test_items_of_a_list_come_with_what_leads_to_them() -> None:
    items = "\n".join(f"- the {word} one, with a long description of it" for word in SUBJECTS)
    text = f"Pilots of heavy aircraft must hold one of these:\n\n{items}"
    block = best("Which licence of the sea must pilots hold?", text)
    lead = "Pilots of heavy aircraft must hold one of these:"
    assert block.text == f"{lead}\n- the sea one, with a long description of it"


def test_sentence_that_points_back_comes_with_the_one_before_it() -> None:
    text = "The bridge was built by the Romans. It is 274 metres long. Ducks live below."
    block = best("How long is the bridge?", text)
    assert block.text == "The bridge was built by the Romans. It is 274 metres long."
    assert text[block.start : block.end] == block.text


def test_initials_and_titles_end_no_sentence() -> None:
    text = "The shop is old. The T. T. Tsui Gallery of Chinese art was opened by Dr. Li in 1991."
    block = best("When was the gallery of Chinese art opened?", text)
    assert block.text == "The T. T. Tsui Gallery of Chinese art was opened by Dr. Li in 1991."


def test_plain_text_that_was_wrapped_is_read_over_the_ends_of_its_lines() -> None:
    text = (
        "A permit for the upper valley is needed from the first of May until\n"
        "the last day of October and costs twelve euros for each person.\n"
    )
    assert "costs twelve euros" in best("When is a permit for the valley needed?", text).text


PIECES = st.lists(
    st.sampled_from(
        [
            *(GIT, MAN, HELP_ZH, INSTALL, TABLE, TABLE_ZH, LIST, *ORDERS),
            *("```", "~~~", "\n", ": ", "- ", "1. ", "| a | b |", "|---|---|", "# ", "-x", "    "),
            *("。", "?", "“", "[1]", "`", "\u200b", "\u202e", "🙂", "\x00", "\r", "\ud7ff", "\t"),
        ]
    )
    | st.text(max_size=40),
    max_size=14,
).map("".join)


@settings(deadline=None, max_examples=150)
@given(question=st.text(max_size=60) | st.just("How do I remove drones?"), texts=st.lists(PIECES))
def test_any_passages_give_valid_ranges(question: str, texts: list[str]) -> None:
    pages = passages(*texts[:4], heading="Options")
    evidence = choose_evidence(question, pages)
    assert len(evidence.blocks) <= 4
    for block in evidence.blocks:
        assert 0 <= block.start < block.end <= len(pages[block.passage - 1].text)
        assert block.text.strip()
    assert bool(evidence.blocks) == (evidence.answerability != "nothing")


@pytest.mark.parametrize("piece", ["x", "- a ", "| a ", "T. ", "字", "[", "`", ": ", "-x  ", "\n"])
def test_work_on_endless_lines_is_bounded(piece: str) -> None:
    page = passages(piece * (100_000 // len(piece)))[0]
    units = split_into_units(page)
    assert sum(unit.end - unit.start for unit in units) <= 4 * MOST_READ
    assert len(units) <= MOST_READ
    assert all(unit.end <= MOST_READ for unit in units)


def test_footnote_numbers_of_a_page_are_not_shown() -> None:
    text = (
        "Drones are fun.[3] The weight limit of small drones is 250 grams.[12] Birds fly as well."
    )
    block = best("What is the weight limit of small drones?", text)
    assert re.search(r"\[\d+\]", block.text) is None


def test_a_bar_within_a_cell_ends_no_cell_and_is_shown_as_it_is() -> None:
    table = "| Operation | Syntax |\n|---|---|\n| Bitwise Or | a \\| b |\n| Division | a / b |\n"
    block = best("What is the syntax of Bitwise Or?", table)
    assert "Bitwise Or · a | b" in block.text
    assert "\\" not in block.text
