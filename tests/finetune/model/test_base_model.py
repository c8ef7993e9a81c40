"""The base is found without torch, and its own template is compared with ours."""

import json
import shutil
from pathlib import Path

import pytest

from finetune.errors import BaseModelError
from finetune.model.base_model import (
    download_command,
    find_base_model,
    own_template,
    read_config,
    template_note,
)
from finetune.model.chat_format import CHATML, R1_DIRECT, R1_THINK, chat_format
from finetune.model.chat_templates import ChatFormat
from finetune.recipe import Recipe, parse_recipe
from tests.finetune.conftest import BaseFor
from tests.finetune.tiny_families import R1_TEMPLATE

QWEN_DEFAULT = "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud.<|im_end|>\n"
QWEN_TEMPLATE = (
    "{%- if messages[0]['role'] != 'system' %}{{- '" + QWEN_DEFAULT.replace("\n", "\\n") + "' }}"
    "{%- endif %}" + CHATML.jinja
)
"""As Qwen2.5's own: a conversation without a system message gets one."""


def recipe(base: str, folder: Path) -> Recipe:
    tables = {"name": "test", "model": {"base": base}, "data": {"files": ["rows.jsonl"]}}
    return parse_recipe(tables, source="test", folder=folder)


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model without any template."""
    folder = Path(shutil.copytree(tiny, tmp_path / "base"))
    put_template(folder, None)
    return folder


def put_template(folder: Path, template: object) -> None:
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "chat_template": template}), encoding="utf-8")


def test_a_base_is_found_beside_the_recipe(tiny: Path) -> None:
    assert find_base_model(recipe(tiny.name, tiny.parent)) == tiny.parent / tiny.name
    assert find_base_model(recipe(str(tiny), Path("/elsewhere"))) == tiny


@pytest.mark.parametrize(
    ("base", "command"),
    [
        ("Qwen/No-Such-Model", "hf download Qwen/No-Such-Model"),
        (
            "models/DeepSeek-R1-Distill-Qwen-1.5B",
            "hf download models/DeepSeek-R1-Distill-Qwen-1.5B",
        ),
        (
            "./models/DeepSeek-R1-Distill-Qwen-1.5B",
            "hf download deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B --local-dir "
            "/recipes/models/DeepSeek-R1-Distill-Qwen-1.5B",
        ),
        ("/m/Qwen2.5-0.5B", "hf download Qwen/Qwen2.5-0.5B --local-dir /m/Qwen2.5-0.5B"),
        ("/m/Other", "hf download OWNER/Other --local-dir /m/Other"),
    ],
)
def test_a_missing_base_is_named_with_the_command_that_downloads_it(
    base: str, command: str
) -> None:
    asked = recipe(base, Path("/recipes"))
    assert download_command(asked) == command
    with pytest.raises(BaseModelError, match="there is no base model") as caught:
        find_base_model(asked)
    for language in ("en", "zh"):
        assert base in caught.value.localize(language)
        assert command in caught.value.localize(language)


def test_a_template_is_read_wherever_it_lies(copy: Path) -> None:
    assert own_template(copy) == ""
    put_template(copy, [{"name": "rag", "template": "a"}, {"name": "default", "template": "b"}])
    assert own_template(copy) == "b"
    put_template(copy, "c")
    assert own_template(copy) == "c"
    (copy / "chat_template.jinja").write_text("d", encoding="utf-8")
    assert own_template(copy) == "d"


def test_a_base_without_a_template_is_fine_and_said_so(copy: Path) -> None:
    note = template_note(copy, R1_THINK)
    assert note is not None
    assert "brings no chat template" in note.localize("en")
    assert "没有自带对话模板" in note.localize("zh")


@pytest.mark.parametrize("fmt", [R1_THINK, R1_DIRECT, CHATML], ids=lambda fmt: fmt.name)
def test_a_template_that_writes_as_we_do_is_no_news(copy: Path, fmt: ChatFormat) -> None:
    put_template(copy, fmt.jinja)
    assert template_note(copy, fmt) is None


def test_the_distills_own_template_asks_for_a_reply_as_we_do(tiny: Path) -> None:
    assert own_template(tiny)
    assert template_note(tiny, R1_THINK) is None


@pytest.mark.parametrize(
    ("template", "fmt"),
    [
        (R1_TEMPLATE, R1_DIRECT),
        (QWEN_TEMPLATE, CHATML),
        ("{% for %}", R1_THINK),
        ("{{ messages.nothing.at_all() }}", R1_THINK),
    ],
    ids=["no prefilled thought", "default system message", "broken", "undefined"],
)
def test_a_template_that_writes_otherwise_is_noted(
    copy: Path, template: str, fmt: ChatFormat
) -> None:
    put_template(copy, template)
    note = template_note(copy, fmt)
    assert note is not None
    assert "otherwise than " + fmt.name in note.localize("en")
    assert fmt.name in note.localize("zh")


@pytest.mark.parametrize("name", ["qwen3-think", "qwen3-direct", "gemma"])
def test_todays_bases_ask_for_a_reply_as_their_formats_do(base_for: BaseFor, name: str) -> None:
    assert template_note(base_for(name), chat_format(name)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["llama3", "mistral"])
def test_a_template_with_the_system_message_elsewhere_is_noted(
    base_for: BaseFor, name: str
) -> None:
    note = template_note(base_for(name), chat_format(name))  # type: ignore[arg-type]
    assert (note is None) is (name == "llama3")


def test_the_format_that_the_base_writes_is_named(base_for: BaseFor) -> None:
    note = template_note(base_for("qwen3-direct"), CHATML)
    assert note is not None
    for language in ("en", "zh"):
        assert 'format = "qwen3-think"' in note.localize(language)


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_a_config_that_cannot_be_read_tells_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    assert read_config(tmp_path) == {}
    assert read_config(tmp_path / "missing") == {}
