"""Which embedder is opened, and why there is none."""

import typing
from pathlib import Path

import pytest

from ingest.index.embed.builtin import BuiltinEmbedder
from ingest.index.embed.multilingual import MultilingualEmbedder
from ingest.index.embed.ollama import OllamaEmbedder
from ingest.index.embed.registry import (
    EMBEDDERS,
    EmbedderConfig,
    installed_encoders,
    open_embedder,
)
from ingest.index.embed.weights import find_weights
from ingest.settings import EmbedSettings
from tests.engines.ollama_server import OllamaServer

pytestmark = pytest.mark.anyio

NOBODY = "http://127.0.0.1:9"


def config(tmp_path: Path, **embed: str) -> EmbedderConfig:
    return EmbedderConfig(
        embed=EmbedSettings.model_validate({"host": NOBODY} | embed), cache=tmp_path
    )


def test_table_and_setting_name_the_same_embedders() -> None:
    names = typing.get_args(EmbedSettings.model_fields["provider"].annotation)
    assert {*EMBEDDERS, "auto", "none"} == set(names)


@pytest.mark.parametrize("name", EMBEDDERS)
async def test_space_begins_with_the_name(name: str, tmp_path: Path) -> None:
    with OllamaServer() as server:
        embedder, problem = await open_embedder(
            config(tmp_path, provider=name, host=server.url), space=""
        )
    assert embedder is not None
    assert not problem
    assert embedder.space.startswith(f"{name}:")
    await embedder.close()


async def test_auto_takes_a_server_that_has_the_model_and_else_the_built_in_one(
    tmp_path: Path,
) -> None:
    auto = {"encoder": "auto"}
    with OllamaServer() as server:
        chosen, _ = await open_embedder(config(tmp_path, host=server.url, **auto), space="")
        assert isinstance(chosen, OllamaEmbedder)
        kept, _ = await open_embedder(config(tmp_path, host=server.url, **auto), space="builtin:x")
        assert isinstance(kept, MultilingualEmbedder)
    fallback, problem = await open_embedder(config(tmp_path, **auto), space="")
    assert isinstance(fallback, MultilingualEmbedder)
    assert not problem


async def test_index_keeps_the_built_in_encoder_that_made_it(tmp_path: Path) -> None:
    auto = config(tmp_path, provider="builtin", encoder="auto")
    space = "builtin:all-MiniLM-L6-v2:53aa51172d14:plain"
    kept, advice = await open_embedder(auto, space=space)
    assert isinstance(kept, BuiltinEmbedder)
    assert kept.space == space
    assert not advice
    target, advice = await open_embedder(auto, space="")
    assert isinstance(target, MultilingualEmbedder)
    assert not advice
    migrated, advice = await open_embedder(auto, space=target.space)
    assert isinstance(migrated, MultilingualEmbedder)
    assert not advice


async def test_encoder_that_is_named_is_opened_whatever_the_index_was_made_with(
    tmp_path: Path,
) -> None:
    chosen, advice = await open_embedder(
        config(tmp_path, provider="builtin", encoder="multilingual-e5-small"),
        space="builtin:all-MiniLM-L6-v2:53aa51172d14:plain",
    )
    assert isinstance(chosen, MultilingualEmbedder)
    assert not advice


async def test_folder_of_one_encoder_chooses_that_one(tmp_path: Path) -> None:
    weights = find_weights(None)
    assert weights is not None
    chosen, _ = await open_embedder(
        config(tmp_path, provider="builtin", encoder="auto", weights=str(weights)), space=""
    )
    assert isinstance(chosen, BuiltinEmbedder)


def test_table_and_setting_name_the_same_encoders(tmp_path: Path) -> None:
    names = typing.get_args(EmbedSettings.model_fields["encoder"].annotation)
    assert names == ("auto", *installed_encoders(config(tmp_path)))


async def test_auto_does_not_leave_the_embedder_of_the_index(tmp_path: Path) -> None:
    chosen, problem = await open_embedder(config(tmp_path), space="ollama:nomic:any:plain")
    assert chosen is None
    assert "ollama serve" in problem.localize("en")


@pytest.mark.parametrize("provider", ["ollama", "builtin"])
async def test_embedder_that_is_named_is_not_replaced_by_another(
    provider: str, tmp_path: Path
) -> None:
    wanted = config(tmp_path, provider=provider, weights=str(tmp_path))
    chosen, problem = await open_embedder(wanted, space="")
    assert chosen is None
    assert problem


async def test_none_is_a_choice_and_no_problem(tmp_path: Path) -> None:
    chosen, problem = await open_embedder(config(tmp_path, provider="none"), space="builtin:x")
    assert chosen is None
    assert not problem


async def test_folder_of_weights_that_holds_none_is_named(tmp_path: Path) -> None:
    folder = str(tmp_path / "gone")
    embedder, problem = await open_embedder(
        config(tmp_path, provider="builtin", weights=folder), space=""
    )
    assert embedder is None
    assert folder in problem.localize("en")
    assert "setup" not in problem.localize("en")
    assert folder in problem.localize("zh")
