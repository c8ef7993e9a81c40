"""What a terminal is sent beside the words."""

import re

import pytest

from tests.journeys.conftest import Shell

NIGHT = "无人机夜间飞行需要什么条件?"
DIM_AND_BACK = {"\x1b[2m", "\x1b[0m"}


def test_progress_is_dim_and_a_notice_is_plain_and_no_error(shell: Shell) -> None:
    shown = shell.on_a_terminal("assistant", "ask", NIGHT, NO_COLOR="")
    assert set(re.findall(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", shown)) == DIM_AND_BACK
    notices = [line for line in shown.splitlines() if "ollama serve" in line]
    assert [line[:3] for line in notices] == ["提示："]


@pytest.mark.parametrize(
    "command",
    [("assistant", "ask", NIGHT), ("assistant", "ask", " "), ("ingest", "no-such-file.pdf")],
)
def test_no_color_is_honoured(shell: Shell, command: tuple[str, ...]) -> None:
    shown = shell.on_a_terminal(*command, NO_COLOR="1")
    assert shown.strip()
    assert "\x1b" not in shown
