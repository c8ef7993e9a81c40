import asyncio
import re
import traceback
from pathlib import Path

import pytest

from assistant.bootstrap import open_assistant
from assistant.settings import load_settings
from assistant.values import Question
from ingest.foundation.errors import QiuzhengError, SettingsError
from ingest.foundation.settings import default_ollama_host
from ingest.settings import IngestSettings, load_ingest_settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "assistant.toml"
    monkeypatch.setenv("ASSISTANT_CONFIG", str(path))
    return path


def test_option_beats_environment_beats_file_beats_default(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('[model]\nname = "file"\nhost = "http://file"\n[answer]\npassages = 3\n')
    monkeypatch.setenv("ASSISTANT_MODEL__NAME", "environment")
    monkeypatch.setenv("ASSISTANT_MODEL__API_KEY", "environment")
    settings = load_settings({"model": {"name": "option"}})
    assert settings.model.name == "option"
    assert settings.model.api_key.get_secret_value() == "environment"
    assert settings.model.host == "http://file"
    assert settings.answer.passages == 3
    assert settings.chunk.size == 400


def test_the_key_of_the_model_is_in_no_repr_and_no_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_MODEL__API_KEY", "sk-SECRET")
    settings = load_settings()
    for shown in (repr(settings), str(settings.model), settings.model_dump_json()):
        assert "SECRET" not in shown


@pytest.mark.parametrize("key", ["sk-SECRET ", "sk-SECRET\n", "sk-SEC RET", "sk-SECRET\u200b"])
def test_no_output_shows_the_key_of_the_model(
    key: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSISTANT_MODEL__API_KEY", key)
    monkeypatch.setenv("ASSISTANT_MODEL__PROVIDER", "openai")
    monkeypatch.setenv("ASSISTANT_MODEL__HOST", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OLLAMA_API_KEY", key)
    for provider in ("openai", "auto"):
        monkeypatch.setenv("ASSISTANT_MODEL__PROVIDER", provider)
        for model in (None, "qwen"):
            shown = asyncio.run(events_of(Question("Which way?", model=model)))
            assert "SEC" not in shown
    written = capfd.readouterr()
    assert "SEC" not in written.out + written.err


def test_a_key_that_ollama_cannot_be_sent_leaves_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "sk-SEC\tRET")
    monkeypatch.setenv("ASSISTANT_MODEL__PROVIDER", "auto")
    monkeypatch.setenv("ASSISTANT_EMBED__PROVIDER", "auto")
    shown = asyncio.run(events_of(Question("Which way?")))
    assert "$OLLAMA_API_KEY holds a character" in shown
    assert "AnswerFinished" in shown


async def events_of(question: Question) -> str:
    try:
        async with open_assistant() as assistant:
            return "".join([repr(event) async for event in assistant.ask(question)])
    except QiuzhengError as error:
        return error.localize("en") + "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    ("variable", "suggestion"),
    [
        ("ASSISTANT_CHNUK__SIZE", "ASSISTANT_CHUNK__SIZE"),
        ("ASSISTANT_CHUNK__SIZ", "ASSISTANT_CHUNK__SIZE"),
        ("ASSISTANT_MODL", "ASSISTANT_MODEL"),
    ],
)
def test_misspelt_variable_is_refused_with_a_suggestion(
    variable: str, suggestion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert variable in caught.value.localize("en")
    assert suggestion in caught.value.localize("zh")


@pytest.mark.parametrize(
    ("variable", "source"),
    [
        ("ASSISTANT_HOME", "$ASSISTANT_HOME"),
        ("ASSISTANT_CONFIG", "$ASSISTANT_CONFIG"),
        ("ASSISTANT_INDEX__FOLDER", "index.folder"),
    ],
)
def test_a_folder_of_a_user_who_is_not_there_is_refused_by_name(
    variable: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "~nosuch/x")
    with pytest.raises(SettingsError) as caught:
        _ = load_settings().index.path
    assert source in str(caught.value)
    assert "~nosuch" in caught.value.localize("zh")


@pytest.mark.parametrize("text", ["[modle]\nname = 'x'\n", "[model]\nnmae = 'x'\n", "name = 'x'\n"])
def test_misspelt_key_in_the_file_is_refused_by_name(text: str, config: Path) -> None:
    config.write_text(text)
    with pytest.raises(SettingsError, match=r"assistant\.toml: unknown setting"):
        load_settings()


def test_broken_toml_names_file_and_line(config: Path) -> None:
    config.write_text("[model\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(config) in caught.value.localize("en")
    assert "line 1" in caught.value.localize("en")
    assert "第 1 行" in caught.value.localize("zh")


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("ASSISTANT_CHUNK__SIZE", "many", "chunk.size"),
        ("ASSISTANT_CHUNK__SIZE", "100", "chunk.overlap"),
        ("ASSISTANT_SEARCH__EXCLUDE", "youtube.com", "$ASSISTANT_SEARCH__EXCLUDE"),
        ("ASSISTANT_MODEL__HOST", "garbage://", "model.host"),
        ("OLLAMA_HOST", "garbage://", "$OLLAMA_HOST"),
        ("OLLAMA_HOST", "gpu.example:port", "$OLLAMA_HOST"),
    ],
)
def test_value_that_cannot_be_used_is_named(
    variable: str, value: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert named in caught.value.localize("en")


@pytest.mark.parametrize(
    ("variable", "value", "en", "zh"),
    [
        ("ASSISTANT_CHUNK__SIZE", "many", "whole number", "整数"),
        ("ASSISTANT_CRAWL__TIMEOUT", "soon", "a number", "数字"),
        ("ASSISTANT_CRAWL__TIMEOUT", "0", "greater than 0", "必须大于 0"),
        ("ASSISTANT_CHUNK__SIZE", "1", "50 or more", "不能小于 50"),
        ("ASSISTANT_SEARCH__LIMIT", "51", "50 or less", "不能大于 50"),
        ("ASSISTANT_ANSWER__LANGUAGE", "fr", "'zh' or 'en'", "'zh' 或 'en'"),
        ("ASSISTANT_CRAWL__LENIENT_ROBOTS", "perhaps", "true or false", "true 或 false"),
        ("ASSISTANT_MODEL__NAME", "", "at least 1 character", "至少要有 1 个字符"),
        ("ASSISTANT_SEARCH__EXCLUDE", "1", '["a.com"]', '["a.com"]'),
        (
            "ASSISTANT_SEARCH__EXCLUDE",
            "a.com, b.com",
            """ASSISTANT_SEARCH__EXCLUDE='["a.com", "b.com"]'""",
            """请写成 ASSISTANT_SEARCH__EXCLUDE='["a.com", "b.com"]'""",
        ),
        ("ASSISTANT_EMBED__HOST", "http://a:b", "such as http://127", "这样的地址"),
        ("ASSISTANT_SEARCH", "a.com", "ASSISTANT_SEARCH__<KEY>", "ASSISTANT_SEARCH__<KEY>"),
    ],
)
def test_what_to_write_instead_is_said_in_both_languages(
    variable: str, value: str, en: str, zh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert en in caught.value.hint.localize("en")
    assert zh in caught.value.hint.localize("zh")


@pytest.mark.parametrize(
    ("text", "named", "suggestion"),
    [
        ("[search.brave]\nkye = 'SECRET'", "search.brave.kye", "did you mean search.brave.key?"),
        ("[search.barve]\nkey = 'SECRET'", "search.barve.key", "did you mean search.brave.key?"),
        ("[search]\nbrave = 'SECRET'", "search.brave", "write a table: { key = value }"),
        ("[search.brave]\nkey = ['SECRET']", "search.brave.key", 'write text in quotes: "…"'),
        ("[model]\napi_key = ['SECRET']", "model.api_key", 'write text in quotes: "…"'),
        ("[model.host]\na = 'SECRET'", "model.host.a", "did you mean model.host?"),
    ],
)
def test_a_slip_in_a_table_within_a_table_is_named_and_no_key_is_shown(
    text: str, named: str, suggestion: str, config: Path
) -> None:
    config.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert named in caught.value.message.localize("en")
    assert caught.value.hint.localize("en") == suggestion
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))
    assert "SECRET" not in caught.value.localize("zh")


@pytest.mark.parametrize(
    ("variable", "value", "suggestion"),
    [
        ("ASSISTANT_SEARCH__BRAVE__KYE", "SECRET", "ASSISTANT_SEARCH__BRAVE__KEY"),
        ("ASSISTANT_SEARCH__BRAVE", "SECRET", "ASSISTANT_SEARCH__BRAVE__<KEY>"),
        ("ASSISTANT_SEARCH__BRAVE", '{"kye": "SECRET"}', "docs/configuration.md"),
    ],
)
def test_a_slip_in_a_variable_of_a_table_within_a_table_shows_no_key(
    variable: str, value: str, suggestion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert suggestion in caught.value.hint.localize("zh")
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_a_table_within_a_table_is_read_from_file_and_environment(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('[search.brave]\nkey = "file"\nurl = "https://proxy.test"\n')
    monkeypatch.setenv("ASSISTANT_SEARCH__BRAVE__KEY", "environment")
    table = load_settings().search.brave
    assert (table.key.get_secret_value(), table.url) == ("environment", "https://proxy.test")


def test_the_example_can_be_uncommented_as_a_whole(config: Path) -> None:
    example = (Path(__file__).parents[2] / "assistant.example.toml").read_text("utf-8")
    config.write_text(re.sub(r"^# (\w+ = )", r"\1", example, flags=re.MULTILINE), "utf-8")
    settings = load_settings()
    assert settings.search.engines == ("duckduckgo", "mojeek", "brave")
    assert not settings.search.tavily.key.get_secret_value()


def test_text_in_the_file_wants_quotes(config: Path) -> None:
    config.write_text("[model]\nname = 3\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "引号" in caught.value.localize("zh")


def test_file_that_notepad_saved_is_read(config: Path) -> None:
    config.write_text('[model]\nname = "模型"\n', encoding="utf-8-sig")
    assert load_settings().model.name == "模型"


@pytest.mark.parametrize("encoding", ["gbk", "utf-16"])
def test_file_in_another_encoding_is_to_be_saved_as_utf_8(encoding: str, config: Path) -> None:
    config.write_text('[model]\nname = "模型"\n', encoding=encoding)
    with pytest.raises(SettingsError, match="not in UTF-8") as caught:
        load_settings()
    assert "UTF-8" in caught.value.hint.localize("zh")


def test_ingest_passes_over_the_tables_of_the_assistant(config: Path) -> None:
    config.write_text('[model]\nname = "m"\n[chunk]\nsize = 300\n')
    assert load_ingest_settings(IngestSettings, {}).chunk.size == 300


@pytest.mark.parametrize("table", ["chnuk", "crawls", "idnex"])
def test_ingest_refuses_what_is_nearly_one_of_its_own_tables(table: str, config: Path) -> None:
    config.write_text(f"[{table}]\nsize = 300\n")
    with pytest.raises(SettingsError, match="unknown setting"):
        load_ingest_settings(IngestSettings, {})


def test_a_setting_of_an_older_version_is_named_with_the_one_in_its_place(config: Path) -> None:
    config.write_text('[search]\nprovider = "duckduckgo"\n')
    with pytest.raises(SettingsError, match=r"unknown setting search\.provider") as caught:
        load_settings()
    assert "search.engines" in caught.value.hint.localize("en")


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("10.0.0.5:8000", "http://10.0.0.5:8000"),
        ("https://ollama.example:443", "https://ollama.example:443"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(
    value: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", value)
    assert default_ollama_host() == host
    assert load_settings().model.host == host
