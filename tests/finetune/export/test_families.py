"""Each family that we train: merged, written as GGUF, and read by transformers and llama.cpp."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from finetune.errors import ExportError
from finetune.export.gguf import write_gguf
from finetune.export.gguf_check import check_gguf
from finetune.export.merge import merge
from finetune.model.chat_format import chat_format, conversation_pieces, opening_pieces
from finetune.model.chat_templates import ChatFormat
from finetune.model.gguf_support import gguf_obstacle
from finetune.model.tokenization import ChatTokenizer, load_tokenizer
from finetune.progress import SilentProgress
from finetune.records import Turn
from finetune.runs import Run
from tests.finetune.conftest import BaseFor
from tests.finetune.export.test_gguf import copy_model
from tests.finetune.export.tuned_models import add_adapter, recipe_of

FORMATS = ("qwen3-direct", "llama3", "gemma", "mistral")
F32 = 0
"""ggml's number for F32: the engine's cache is F16 by default, which alone changes answers."""
NEW_TOKENS = 12
SYSTEM = "你是教员。  Be  brief."
HISTORY = (Turn(user="How high?", answer="120 m.\n\nNo <table> more."),)
QUESTION = "无人机 flies at 120 m!\n\n\n  two  spaces, 夜间 { } é <b>🛩️"


TEXTS = (
    "你好",
    " leading and trailing  ",
    "3.14159 and 1,234,567 or 13800138000",
    "def f(x):\n    return {'a': [x, -1]}  # ok\n\n\n\tend",
    "naïve café Ω ß ﬁ １２３ ㍿",
    "日本語のテキスト、한국어 문장, نص عربي, हिन्दी",
    "👩‍👩‍👧‍👦 🛩️ é́ \u200b zero\u00a0width",
    "https://例え.jp/a?b=c&d=%E4%BD%A0#e",
    "can't WE'LL i'm It'S",
    "\n\n \n  \r\n x",
    "<|im_end|x> <s > [INST ] <end_of_turn <0x0A> ▁▁",
)
"""Texts that tokenizers cut in different ways: spaces, digits, scripts, joiners, line ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A merged model of one family, and its GGUF in F32. Never write into it."""

    fmt: ChatFormat
    folder: Path
    gguf: Path
    architecture: str

    @property
    def prompt(self) -> list[int]:
        """A conversation of which the prompt is longer than Gemma's window in the tiny model."""
        tokenizer = load_tokenizer(self.folder, fmt=self.fmt)
        pieces = conversation_pieces(self.fmt, system=SYSTEM, history=HISTORY, user=QUESTION)
        return tokenizer.encode((*pieces, *opening_pieces(self.fmt)))


@pytest.fixture(scope="module", params=FORMATS)
def tuned(
    request: pytest.FixtureRequest, base_for: BaseFor, tmp_path_factory: pytest.TempPathFactory
) -> Tuned:
    folder = tmp_path_factory.mktemp("family")
    recipe = recipe_of(base_for(request.param), model={"format": request.param})
    run = Run(folder / "run")
    add_adapter(recipe, run)
    report = merge(recipe, run, progress=SilentProgress())
    assert report.argmax_equal == 1
    fmt = chat_format(request.param)
    written = write_gguf(run.merged, folder / "m.gguf", kind="f32", chat_template=fmt.jinja)
    return Tuned(fmt=fmt, folder=run.merged, gguf=written.path, architecture=written.architecture)


def test_transformers_reads_the_same_model_back(tuned: Tuned) -> None:
    found = check_gguf(tuned.folder, tuned.gguf)
    assert found["max_difference"] <= 1e-4
    assert found["argmax_equal"] == 1
    expected = {"qwen3-direct": "qwen3", "gemma": "gemma3"}.get(tuned.fmt.name, "llama")
    assert tuned.architecture == expected


@pytest.mark.engine
def test_llama_cpp_reads_the_same_ids_and_gives_the_same_greedy_answer(tuned: Tuned) -> None:
    from llama_cpp import Llama

    tokenizer: ChatTokenizer = load_tokenizer(tuned.folder)
    prompt = tuned.prompt
    model = AutoModelForCausalLM.from_pretrained(tuned.folder, dtype=torch.float32)
    with torch.inference_mode():
        whole = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            eos_token_id=[],
            pad_token_id=0,
        )
    engine = Llama(str(tuned.gguf), n_ctx=512, n_threads=1, type_k=F32, type_v=F32, verbose=False)
    text = tokenizer.decode(prompt).removeprefix(tuned.fmt.bos)
    found = engine.tokenize(text.encode(), add_bos=bool(tuned.fmt.bos), special=True)
    drawn = engine.generate(prompt, temp=0.0, repeat_penalty=1.0)
    ours = [next(drawn) for _ in range(NEW_TOKENS)]
    engine.close()
    assert found == prompt
    assert ours == whole[0, len(prompt) :].tolist()


@pytest.mark.engine
def test_llama_cpp_cuts_any_text_of_a_conversation_as_training_did(tuned: Tuned) -> None:
    from llama_cpp import Llama

    tokenizer = load_tokenizer(tuned.folder, fmt=tuned.fmt)
    engine = Llama(str(tuned.gguf), vocab_only=True, verbose=False)
    for text in TEXTS:
        for system, history in (("", ()), (text, ()), ("", (Turn(user=text, answer=text),))):
            pieces = conversation_pieces(tuned.fmt, system=system, history=history, user=text)
            ids = tokenizer.encode((*pieces, *opening_pieces(tuned.fmt)))
            written = tokenizer.decode(ids).removeprefix(tuned.fmt.bos)
            found = engine.tokenize(written.encode(), add_bos=bool(tuned.fmt.bos), special=True)
            assert found == ids, (text, system, history)
    engine.close()


def test_a_model_that_can_be_written_has_no_obstacle(tuned: Tuned) -> None:
    assert gguf_obstacle(tuned.folder) is None


@pytest.mark.parametrize(
    "change",
    [
        {"layer_types": ["full_attention"] * 6},
        {"query_pre_attn_scalar": 32},
        {"use_bidirectional_attention": True},
    ],
)
def test_a_gemma_that_llama_cpp_would_compute_otherwise_is_refused(
    base_for: BaseFor, tmp_path: Path, change: dict[str, object]
) -> None:
    folder = copy_model(base_for("gemma"), tmp_path / "model", **change)
    obstacle = gguf_obstacle(folder)
    assert obstacle is not None
    with pytest.raises(ExportError, match="Gemma3ForCausalLM"):
        write_gguf(folder, tmp_path / "m.gguf", kind="f16", chat_template="")
