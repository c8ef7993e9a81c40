from pathlib import Path

import pytest

from assistant.settings import Settings, load_settings
from ingest.errors import SettingsError
from ingest.settings import ASSISTANT_TABLES, IngestSettings, default_ollama_host, load, tables_of


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
    assert settings.model.api_key == "environment"
    assert settings.model.host == "http://file"
    assert settings.answer.passages == 3
    assert settings.chunk.size == 400


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
    assert variable in caught.value.to("en")
    assert suggestion in caught.value.to("zh")


@pytest.mark.parametrize("text", ["[modle]\nname = 'x'\n", "[model]\nnmae = 'x'\n", "name = 'x'\n"])
def test_misspelt_key_in_the_file_is_refused_by_name(text: str, config: Path) -> None:
    config.write_text(text)
    with pytest.raises(SettingsError, match=r"assistant\.toml: unknown setting"):
        load_settings()


def test_broken_toml_names_file_and_line(config: Path) -> None:
    config.write_text("[model\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(config) in caught.value.to("en")
    assert "line 1" in caught.value.to("en")


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("ASSISTANT_CHUNK__SIZE", "many", "chunk.size"),
        ("ASSISTANT_CHUNK__SIZE", "100", "chunk.overlap"),
        ("ASSISTANT_SEARCH__EXCLUDE", "youtube.com", "search"),
    ],
)
def test_value_that_cannot_be_used_is_named(
    variable: str, value: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert named in caught.value.to("en")


def test_ingest_passes_over_the_tables_of_the_assistant(config: Path) -> None:
    config.write_text('[model]\nname = "m"\n[chunk]\nsize = 300\n')
    assert load(IngestSettings, {}).chunk.size == 300
    assert frozenset(tables_of(Settings)) - frozenset(tables_of(IngestSettings)) == ASSISTANT_TABLES


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
