"""Nothing leaves the machine but the question, to the search engine, and requests for pages."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.internet.net import Internet
from tests.journeys.conftest import LONGEST_S, Shell

LONG_LIVED = """
import asyncio, time
from contextlib import aclosing
from assistant.bootstrap import open_assistant
from assistant.settings import load_settings
from assistant.values import Question

async def main():
    async with open_assistant(load_settings()) as assistant:
        question = Question("How hot is water for green tea?", web=True)
        async with aclosing(assistant.ask(question)) as events:
            async for event in events:
                pass
    print(event.answer.kind, sorted({c.url.split("/")[2] for c in event.answer.citations}))

asyncio.run(main())
time.sleep(15)  # onnxruntime reports after some ten seconds
"""


def test_process_that_lives_on_after_an_answer_phones_nobody(shell: Shell, net: Internet) -> None:
    """The `net` fixture fails if anything else was asked for; here all heavy parts are loaded."""
    done = subprocess.run(
        [sys.executable, "-c", LONG_LIVED],
        env=dict(shell.variables) | {"ASSISTANT_EMBED__PROVIDER": "builtin"},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=True,
    )
    assert "quotes" in done.stdout
    allowed = {"html.duckduckgo.com"} | {h for h in (r.host for r in net.log) if ".example" in h}
    assert {request.host for request in net.log} == allowed


def test_question_is_not_logged(shell: Shell) -> None:
    shown = shell("assistant", "ask", "密码是多少的秘密问题?", "--web", "--quiet", code=None)
    assert "密码" not in shown.stderr


LOGGED = """
import asyncio, logging, sys
from contextlib import aclosing
from pathlib import Path

logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)

from assistant.bootstrap import open_assistant
from assistant.settings import load_settings
from assistant.values import Question
from ingest.bootstrap import open_ingest

async def main():
    settings = load_settings()
    async with open_ingest(settings) as parts:
        await parts.reading.pipeline.add_file(Path("note.md").absolute())
    async with open_assistant(settings) as assistant:
        for text in ("How hot is water for green tea, zanzibar?", "Where is the marzipan key?"):
            async with aclosing(assistant.ask(Question(text, web="tea" in text))) as events:
                async for event in events:
                    pass
    print(event.answer.text)

asyncio.run(main())
"""


def test_no_log_of_any_level_or_library_holds_a_question_or_a_text(
    shell_with_model: Shell, net: Internet
) -> None:
    note = "# Keys\n\nThe marzipan key hangs behind the quokka door.\n"
    (shell_with_model.folder / "note.md").write_text(note)
    done = subprocess.run(
        [sys.executable, "-c", LOGGED],
        env=dict(shell_with_model.variables),
        cwd=shell_with_model.folder,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=True,
    )
    assert "DEBUG:" in done.stderr
    assert done.stdout.strip()
    assert net.log
    words = ("zanzibar", "marzipan", "quokka", "green tea", "green+tea", "green%20tea")
    assert [word for word in words if word in done.stderr.lower()] == []


def modes_below(home: Path) -> dict[str, str]:
    """Return what others may do with each file and folder of a home, where they may do anything."""
    return {
        str(each.relative_to(home)): oct(each.stat().st_mode & 0o777)
        for each in home.rglob("*")
        if each.stat().st_mode & 0o077
    }


def test_only_the_owner_may_read_what_is_stored(shell: Shell, home: Path) -> None:
    # The encoder that journeys share was not stored by the product, and is nobody's to change.
    shutil.rmtree(home / "models", ignore_errors=True)
    (shell.folder / "tea.md").write_text("# Tea\n\nGreen tea wants water of 80 degrees.\n" * 9)
    before = os.umask(0o022)
    try:
        shell("ingest", "tea.md")
        shell("assistant", "ask", "How hot is water for green tea?", code=None)
        stored = {each.name for each in (home / "index").rglob("*")} | {
            each.name for each in home.rglob("*")
        }
        assert {"index.sqlite", "index.lock", "runs.sqlite", "chroma.sqlite3"} <= stored
        assert modes_below(home) == {}
        for each in home.rglob("*"):  # as an older version left them
            each.chmod(0o755 if each.is_dir() else 0o644)
        shell("assistant", "index", "list")
        left = modes_below(home)
    finally:
        os.umask(before)
    assert not {name for name in left if Path(name).name.startswith(("index.", "run", "chroma"))}
