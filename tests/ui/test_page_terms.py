import json
import re
from pathlib import Path

import pytest

from assistant.events import Notice
from ingest.foundation.messages import Message
from ui.markup.safe_markdown import escape_markdown, escape_notice
from ui.page_terms import begin_sentence, in_page_terms
from ui.session import PageTurn
from ui.turn_fields import turn_fields

ROOT = Path(__file__).parents[2]
SHOWN = [
    "start it with: ollama serve",
    "run: ollama pull {name}",
    "choose another one: --model deepseek-r1:1.5b",
    "shorten it; long texts can be indexed: ingest FILE",
    "ask again in a few minutes, or use what is stored already: --no-web",
    "try again later, or use what is stored already: --no-web",
    "check the network and HTTPS_PROXY with: assistant doctor",
    "check the address, and that no proxy stands between: assistant doctor",
    "Found by words alone: no embedding model is available. See: assistant doctor",
    "it takes a browser to read it: install Chromium, see assistant doctor",
    "choose an embedding model: ollama pull bge-m3",
    "there are: {names}",
    "the index is empty: ingest FILE, FOLDER or URL fills it",
]
"""Advice that answers and pages of ours can show, as the packages below write it."""


@pytest.mark.parametrize("template", SHOWN)
def test_advice_on_the_page_names_no_command(template: str) -> None:
    catalogues = [
        ROOT / package / "translations" / "zh.json" for package in ("ingest", "assistant")
    ]
    # Reworded there, it would be a command again here.
    assert any(template in json.loads(path.read_text("utf-8")) for path in catalogues)
    message = Message(template, name="qwen3:0.6b") if "{name}" in template else Message(template)
    kept = Message.from_translations(message.in_each_language())  # as a conversation keeps it
    for language in ("en", "zh"):
        shown = in_page_terms(kept).localize(language)
        assert not re.search(r"--\w|assistant |ollama (?:serve|pull)|ingest ", shown), shown


@pytest.mark.parametrize("package", ["ingest", "assistant"])
def test_the_page_health_is_named_once_and_in_a_sentence(package: str) -> None:
    catalogue = json.loads((ROOT / package / "translations" / "zh.json").read_text("utf-8"))
    named = [Message(template) for template in catalogue if "assistant doctor" in template]
    assert named
    for shown in map(in_page_terms, named):
        english, chinese = shown.localize("en"), shown.localize("zh")
        assert english.count('the page "Health"') == chinese.count("“体检”页") == 1
        # A colon leads to no name of a page, and who is told to see it is told once.
        assert not re.search(r'(?:with)?: the page "|\bsee\b.*\bsee\b', english, re.IGNORECASE)
        assert not re.search("assistant|：“|打开", chinese), chinese


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a file cannot be kept", "A file cannot be kept"),
        ("notes.pdf is damaged", "notes.pdf is damaged"),
        ("qwen3:4b is not pulled", "qwen3:4b is not pulled"),
    ],
)
def test_what_stands_alone_begins_as_a_sentence_and_names_keep_their_letters(
    text: str, shown: str
) -> None:
    assert begin_sentence(text, "en") == shown
    assert escape_notice(Message.verbatim(text), "en") == escape_markdown(shown)
    turn = PageTurn(number=0, question="q", web=False)
    turn.apply_event(Notice(code="note", text=Message.verbatim(text)))
    assert turn_fields(turn, "en")["notices"] == [shown]


def test_other_messages_stay_as_they_are() -> None:
    message = Message('model "{model}" stopped in mid-answer{why}', model="m", why="")
    assert in_page_terms(message) is message
