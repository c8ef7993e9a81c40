"""Sentences, terms and cells that are read with certainty are asked for, and no others."""

import pytest

from tests.finetune.synthesize.test_questions import answers_of, drafts_of


@pytest.mark.parametrize(
    "text",
    [
        # Forms that are not read with certainty: no subject, a way of saying, something else said.
        "通常其中的修订号和连字符会消耗2个字符位置。",
        "吴道士三人捕下鱼后离去。",
        "逮捕151人，同比上升17.1%。",
        "在科技园里今天有48个公司。",
        "展览在2019年后改为每年举行。",
        "首先做一些测试是一个好主意，最好先用虚构的用户。",
        "## 创建用户\n\n系统也规定了创建一个标准用户帐户，避免管理员一直使用特权开始工作。",
        "Protesters believe the bill is an example of a tool that takes freedom away.",
        "The source of the text is a wiki that can be edited by everyone.",
        "Monitoring is an integral part of any security policy for several reasons.",
        "Below is a table with columns of the selected set.",
        "You can find:\n\n- the matrix filter\n- the distance filter",
        "Alpha\n: Low values give sharper noise.",
        "Spacing\n: You must consider drawing with a brush as stamping it again and again.",
        "Presets\n: Presets are a common feature. You can find them in Section 8.1.1.",
        "| Name | Value |\n|---|---|\n| {param1} | argument 1 |",
        "| Command | Default |\n|---|---|\n| MineLoad | y [b] |",
        "## Exceptions for security\n\nThe only exception to the above rule is an urgent fix.",
        "| Type | Example |\n|---|---|\n| SF-IMAGE | 3 |\n| SF-TOGGLE | TRUE |",
        "The option tracking - This is a deprecated synonym for the word upstream.",
        "Identity_start character_data If the column is an identity column of the table.",
        "A 2-dimensional array is a list of lists, for example.",
        "The source package must contain at least one of the following files:\n\n- a.yaml\n- b.rb",
        "The source must contain a folder and at least:\n\n- a.yaml\n- b.rb",
        "## Parameters\n\nRefer to SET TRANSACTION for the meaning of the parameters here.",
        "SPI_ERROR_ARGUMENT\n: if the plan is NULL or invalid",
        "| shareable | unshareable |\n|---|---|\n| /var/mail | /var/lock |",
    ],
)
def test_what_has_no_certain_reading_asks_nothing(text: str) -> None:
    assert answers_of(text) == {}


def test_a_long_line_of_latin_letters_is_read_in_one_way() -> None:
    # Read in parts, letters would have 2 to the n ways to be a name.
    name = "ab" * 30
    assert answers_of(f"{name}和{name}在这些地方都可以被很多人用来做事3天。", "figure") == {}


def test_a_figure_of_a_common_noun_is_asked_for_by_its_page() -> None:
    (short, long) = drafts_of("The maximum depth is 4095.\n\nThe size of the Halley lens is 12 mm.")
    assert (short.question, short.names_page) == ("What is the maximum depth?", True)
    assert (long.question, long.names_page) == ("What is the size of the Halley lens?", False)
