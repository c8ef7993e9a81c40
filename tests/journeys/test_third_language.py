"""A language is offered by one word in `Language`; English stands in for what it lacks."""

import json
from pathlib import Path

import pytest

from tests.engines.ollama_server import OllamaServer
from tests.internet.demo import sample_pages
from tests.internet.duckduckgo import fixed
from tests.internet.net import Internet
from tests.internet.search_apis import KEY, SITES
from tests.journeys.conftest import Shell

WITH_JAPANESE = """
import sys
from pathlib import Path
from typing import Literal, get_args

import ingest.foundation.messages as messages

messages.Language = Literal["zh", "en", "ja"]
messages.LANGUAGES = get_args(messages.Language)
messages._TRANSLATED = ("zh", "ja")

import assistant

messages.add_catalogue(Path(sys.argv.pop(1)))
"""
"""Does what the word "ja" in `Language` would do, before another module has read it."""

ASK = (
    WITH_JAPANESE
    + """
from assistant.cli.main import main

main()
"""
)

TEXTS = (
    WITH_JAPANESE
    + """
import errno, os
from pydantic import TypeAdapter
from finetune.labels import render_results
from ingest.foundation.messages import COLON, Message, describe_os_error
from ingest.text.language import choose_language, language_of_locale
from ui.labels import LANGUAGE_NAMES

sources = Message("Sources")
assert sources.in_each_language() == {"en": "Sources", "zh": "来源", "ja": "出典"}
adapter = TypeAdapter(Message)
assert adapter.validate_json(adapter.dump_json(sources)) == sources
assert COLON.localize("ja") == ": "
assert list(render_results({"rows": 5}, "ja")) == ["rows read: 5"]
full = describe_os_error(OSError(errno.ENOSPC, "No space left on device"))
assert full.in_each_language()["ja"] == "空きがありません"
assert full.localize("en") == "No space left on device"
assert language_of_locale("ja-JP,en;q=0.5") == choose_language("ja") == "ja"
os.environ["LC_ALL"] = "ja_JP.UTF-8"
assert choose_language("auto") == "ja"
assert LANGUAGE_NAMES.get("ja", "ja") == "ja"
"""
)


@pytest.fixture
def catalogue(tmp_path: Path) -> str:
    """A folder with the translations of a volunteer who has just begun."""
    folder = tmp_path / "translations"
    folder.mkdir()
    words = {"Sources": "出典", "no space left on device": "空きがありません"}
    (folder / "ja.json").write_text(json.dumps(words), encoding="utf-8")
    return str(folder)


def test_a_question_to_the_web_is_answered_in_a_third_language(
    shell_with_model: Shell, ollama: OllamaServer, catalogue: str
) -> None:
    ollama.answer = lambda _: ("", "It may be cached for a day [1].")
    shown = shell_with_model(
        "python", "-c", ASK, catalogue,
        "ask", "How long may robots.txt be cached?", "--web", "--lang", "ja",
    )  # fmt: skip
    assert "出典" in shown.stdout
    assert "Searching the web" in shown.stderr  # not translated yet


def test_an_engine_with_a_locale_is_asked_in_that_of_english(
    shell: Shell, net: Internet, catalogue: str
) -> None:
    SITES["brave"](fixed(next(iter(sample_pages())).url)).install(net)
    engines = {"ASSISTANT_SEARCH__ENGINES": '["brave"]', "ASSISTANT_SEARCH__BRAVE__KEY": KEY}
    shown = shell(
        "python", "-c", ASK, catalogue,
        "ask", "How long may robots.txt be cached?", "--web", "--lang", "ja", "--json",
        code=None, **engines,
    )  # fmt: skip
    assert '"search_finished"' in shown.stdout


def test_texts_are_kept_in_each_language_and_english_stands_in(
    shell: Shell, catalogue: str
) -> None:
    shell("python", "-c", TEXTS, catalogue)
