"""A tiny model of each family that we train, with a tokenizer of its kind, in seconds.

    python -m tests.finetune.tiny FOLDER [FAMILY]

Random weights of about 1.2 million parameters. Embeddings and head are spread wide (std 0.5): with
the usual 0.02, a frozen head keeps the loss of LoRA above 5 permanently.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from tests.finetune.tiny_families import FAMILIES, Family
from tests.finetune.tiny_sentencepiece import train_sentencepiece

VOCABULARY = 2_000
SPREAD = 0.5
TEXTS = (
    """Fly no higher than 120 metres above the ground, and keep the drone in sight at all times.
Land at once when the battery shows 15 percent. Before each flight, check the propellers, the
weather and the airspace. First, think about the wind; then decide whether the flight is safe.
Do not fly over people, near airports or in the dark without permission. The user asks how far a
drone may fly, so I should name the limit, give the reason, and say what to do next.
The answer is short: keep your distance, stay calm, and report every incident to the authority.""",
    """无人机飞行前应检查螺旋桨、电池和天气，确认所在空域允许飞行。飞行高度不得超过120米，并始终保持在视线范围内。
电量低于15%时应立即返航降落。首先分析风速和能见度，然后判断是否适合起飞。不要在人群、机场附近或夜间飞行，
除非已经取得许可。用户询问无人机的最大飞行距离，我需要说明限制、原因以及下一步应当怎么做。
你好，我是一个人工智能助手，请问有什么可以帮您？医生建议多喝水、注意休息，如有不适请及时就诊。""",
    """{"label": "safe", "answer": "15GB"}\n\ndef limit(metres: int) -> bool:
    return metres < 120\n\n- one\n- two\n- three\n\n1. 第一步\n2. 第二步\n3. 第三步\n""",
)
PAGES = Path(__file__).parent.parent / "data" / "tiny_pages.json"
"""Texts of their own: with another tokenizer each figure of a tiny training is another one."""
SAMPLE = Path(__file__).parents[2] / "finetune" / "recipes" / "drone-safety.jsonl"


def make_tiny(
    folder: Path, *, seed: int = 0, family: str = "r1", texts: Sequence[str] = ()
) -> Path:
    """Write model and tokenizer into `folder`; `texts` are learnt by the tokenizer besides ours."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = FAMILIES[family]
    pages = json.loads(PAGES.read_text(encoding="utf-8"))
    # Character by character: a token for a whole clause would look like its neighbour.
    characters = list(SAMPLE.read_text(encoding="utf-8"))
    corpus = [*TEXTS, *pages, *characters, *texts]
    if kind.words:
        tokenizer = _byte_level_tokenizer(corpus, kind)
    else:
        tokenizer = train_sentencepiece(corpus, kind, size=VOCABULARY)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"pad_token": kind.pad, "clean_up_tokenization_spaces": False, **kind.settings}
    text = json.dumps({**config, "model_max_length": 2_048}, ensure_ascii=False, indent=1)
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
    _write_model(folder, tokenizer, kind, seed=seed)
    return folder


def _byte_level_tokenizer(texts: Sequence[str], kind: Family) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=kind.ignore_merges))
    if kind.normalizes:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(kind.words), "isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    for text, special in kind.tokens.items():
        token = AddedToken(text, special=special, normalized=False)
        (tokenizer.add_special_tokens if special else tokenizer.add_tokens)([token])
    return tokenizer


def _write_model(folder: Path, tokenizer: Tokenizer, kind: Family, *, seed: int) -> None:
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": 128,
        "intermediate_size": 352,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2_048,
        "tie_word_embeddings": False,
        "bos_token_id": tokenizer.token_to_id(kind.bos),
        "eos_token_id": tokenizer.token_to_id(str(kind.settings["eos_token"])),
        "pad_token_id": tokenizer.token_to_id(kind.pad),
    }
    config = CONFIG_MAPPING[kind.model_type](**{**sizes, **kind.sizes})
    model = AutoModelForCausalLM.from_config(config)
    if not config.tie_word_embeddings:
        torch.nn.init.normal_(model.get_output_embeddings().weight, std=SPREAD)
    torch.nn.init.normal_(model.get_input_embeddings().weight, std=SPREAD)
    model.save_pretrained(folder)


if __name__ == "__main__":
    print(make_tiny(Path(sys.argv[1]), family=sys.argv[2] if len(sys.argv) > 2 else "r1"))
