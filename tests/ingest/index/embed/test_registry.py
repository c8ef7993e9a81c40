"""Which embedder is opened, and why there is none."""

import typing
from pathlib import Path

import pytest

from ingest.index.embed.builtin import BuiltinEmbedder
from ingest.index.embed.ollama import OllamaEmbedder
from ingest.index.embed.registry import EMBEDDERS, EmbedderConfig, open_embedder
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
    with OllamaServer() as server:
        chosen, _ = await open_embedder(config(tmp_path, host=server.url), space="")
        assert isinstance(chosen, OllamaEmbedder)
        kept, _ = await open_embedder(config(tmp_path, host=server.url), space="builtin:x")
        assert isinstance(kept, BuiltinEmbedder)
    fallback, problem = await open_embedder(config(tmp_path), space="")
    assert isinstance(fallback, BuiltinEmbedder)
    assert not problem


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
