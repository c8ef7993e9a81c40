"""A tiny Qwen2 model with the tokenizer of DeepSeek-R1-Distill-Qwen or of Qwen2.5, in seconds.

    python -m tests.finetune.tiny FOLDER [--chatml]

Random weights of about 1.2 million parameters. Embeddings and head are spread wide (std 0.5): with
the usual 0.02, a frozen head keeps the loss of LoRA above 5 for good.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

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
from transformers import Qwen2Config, Qwen2ForCausalLM

VOCABULARY = 2_000
SPREAD = 0.5
QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen2 splits text into words; servers know it by its very letters."""

R1_TOKENS = {
    "<｜end▁of▁sentence｜>": True,
    "<｜User｜>": False,
    "<｜Assistant｜>": False,
    "<｜begin▁of▁sentence｜>": True,
    "<|EOT|>": False,
    "<think>": False,
    "</think>": False,
    "<|vision_pad|>": True,
}
"""Control token -> whether it is special, as in the published tokenizer_config.json."""
QWEN_TOKENS = {
    "<|endoftext|>": True,
    "<|im_start|>": True,
    "<|im_end|>": True,
    "<tool_call>": False,
    "</tool_call>": False,
}
R1_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] }}"
    "{% elif m['role'] == 'user' %}{{ '<｜User｜>' + m['content'] }}"
    "{% elif m['role'] == 'assistant' %}{{ '<｜Assistant｜>' + m['content'].split('</think>')[-1]"
    " + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}"
)
"""As DeepSeek's own, the tools left out: it takes the thought away from the reply."""
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
PAGES = Path(__file__).parent.parent / "data" / "structure"
SAMPLE = Path(__file__).parents[2] / "finetune" / "recipes" / "drone-safety.jsonl"


def make_tiny(
    folder: Path, *, seed: int = 0, chatml: bool = False, texts: Sequence[str] = ()
) -> Path:
    """Write model and tokenizer into `folder`; `texts` are learnt by the tokenizer besides ours."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = QWEN_TOKENS if chatml else R1_TOKENS
    pages = (path.read_text(encoding="utf-8") for path in sorted(PAGES.iterdir()))
    # Character by character: a token for a whole clause would look like its neighbour.
    characters = list(SAMPLE.read_text(encoding="utf-8"))
    tokenizer = _tokenizer([*TEXTS, *pages, *characters, *texts], tokens)
    tokenizer.save(str(folder / "tokenizer.json"))
    eos, pad = ("<|im_end|>", "<|endoftext|>") if chatml else (next(iter(tokens)), "<|vision_pad|>")
    _write_config(folder, eos=eos, pad=pad, chatml=chatml)
    _write_model(folder, tokenizer, seed=seed, eos=eos, pad=pad)
    return folder


def _tokenizer(texts: Sequence[str], tokens: dict[str, bool]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2_WORDS), "isolated", invert=False),
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
    for text, special in tokens.items():
        token = AddedToken(text, special=special, normalized=False)
        (tokenizer.add_special_tokens if special else tokenizer.add_tokens)([token])
    return tokenizer


def _write_config(folder: Path, *, eos: str, pad: str, chatml: bool) -> None:
    config: dict[str, object] = {
        "eos_token": eos,
        "pad_token": pad,
        "unk_token": None,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 2_048,
    }
    if chatml:
        config |= {"tokenizer_class": "Qwen2Tokenizer", "bos_token": None}
    else:
        config |= {
            "tokenizer_class": "LlamaTokenizerFast",
            "add_bos_token": True,
            "add_eos_token": False,
            "bos_token": {"__type": "AddedToken", "content": "<｜begin▁of▁sentence｜>"},
            "chat_template": R1_TEMPLATE,
        }
    text = json.dumps(config, ensure_ascii=False, indent=1)
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")


def _write_model(folder: Path, tokenizer: Tokenizer, *, seed: int, eos: str, pad: str) -> None:
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2_048,
        tie_word_embeddings=False,
        use_sliding_window=False,
        bos_token_id=tokenizer.token_to_id("<｜begin▁of▁sentence｜>"),
        eos_token_id=tokenizer.token_to_id(eos),
        pad_token_id=tokenizer.token_to_id(pad),
    )
    model = Qwen2ForCausalLM(config)
    torch.nn.init.normal_(model.lm_head.weight, std=SPREAD)
    torch.nn.init.normal_(model.model.embed_tokens.weight, std=SPREAD)
    model.save_pretrained(folder)


if __name__ == "__main__":
    print(make_tiny(Path(sys.argv[1]), chatml="--chatml" in sys.argv))
