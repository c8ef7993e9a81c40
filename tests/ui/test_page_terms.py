import json
import re
from pathlib import Path

import pytest

from ingest.foundation.messages import Message
from ui.page_terms import in_page_terms

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


def test_other_messages_stay_as_they_are() -> None:
    message = Message('model "{model}" stopped in mid-answer{why}', model="m", why="")
    assert in_page_terms(message) is message
