"""A command that is called wrongly says so on one line, in the language of its reader."""

import re

import pytest

from ingest.foundation.command_line.command_start import chosen_language
from tests.journeys.conftest import Shell


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (("assistant", "index", "remove", "--folder", "", "--lang", "zh"), "空的名称"),
        (("ingest", "--lang=zh", "--recut", "notes.md"), "--recut"),
        (("finetune", "train", "--lang", "zh"), "缺少参数"),
    ],
)
def test_a_wrong_call_is_one_line_in_the_language_chosen(
    call: tuple[str, ...], named: str, shell: Shell
) -> None:
    done = shell(*call, code=2, LANG="en_GB.UTF-8")
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("错误：")
    assert named in line
    assert line.endswith("--help")


def test_what_is_said_of_an_unknown_option_names_the_help(shell: Shell) -> None:
    done = shell("ingest", "--no-such", code=2, LANG="C.UTF-8")
    assert re.fullmatch(
        r"error: No such option '?--no-such'?.*: see how to call it: .*ingest --help\n", done.stderr
    )


def test_the_language_that_is_chosen_goes_before_the_locale(shell: Shell) -> None:
    english = shell("assistant", "ask", "--lang", "en", code=2, LANG="zh_CN.UTF-8")
    assert english.stderr.startswith("error: Missing argument 'QUESTION': see ")


def test_help_is_in_the_language_that_is_chosen_with_it(shell: Shell) -> None:
    done = shell("assistant", "ask", "--lang", "zh", "--help", LANG="en_GB.UTF-8")
    assert "回答问题" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("chosen", ["en", "zh"])
def test_help_is_the_same_for_the_option_as_for_the_locale(chosen: str, shell: Shell) -> None:
    locales = {"en": "en_GB.UTF-8", "zh": "zh_CN.UTF-8"}
    other = locales["en" if chosen == "zh" else "zh"]
    for call in (("ingest",), ("finetune", "synthesize"), ("finetune", "improve")):
        by_option = shell(*call, "--help", "--lang", chosen, LANG=other)
        assert by_option.stdout == shell(*call, "--help", LANG=locales[chosen]).stdout


def test_a_guess_of_what_was_meant_goes_over_into_the_help_without_a_colon(shell: Shell) -> None:
    english = shell("assistant", "aks", "why", code=2, LANG="C.UTF-8")
    assert english.stderr.endswith("'ask'? see how to call it: assistant --help\n")
    chinese = shell("assistant", "aks", "why", code=2, LANG="zh_CN.UTF-8")
    assert chinese.stderr.endswith("'ask'？用法请见 assistant --help\n")


def test_a_group_without_a_subcommand_shows_its_help(shell: Shell) -> None:
    done = shell("assistant", code=2, LANG="C.UTF-8")
    assert "Commands:" in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (["ask", "q"], None),
        (["ask", "--lang", "zh", "q"], "zh"),
        (["ask", "--lang=en", "q"], "en"),
        (["--lang", "zh", "--lang", "en"], "en"),
        (["ask", "--lang"], None),
        (["ask", "--", "--lang", "zh"], None),
        (["ask", "--language", "zh"], None),
    ],
)
def test_the_language_is_the_last_that_is_chosen(arguments: list[str], chosen: str | None) -> None:
    assert chosen_language(arguments) == chosen
