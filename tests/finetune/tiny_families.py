"""The families of models that we train: how each cuts text, its marks, its template, its shape.

Templates are the models' own with tools, dates and errors left out.
"""

from dataclasses import dataclass, field
from typing import Any

QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen2 splits text into words; servers know it by its very letters."""
LLAMA3_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

R1_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] }}"
    "{% elif m['role'] == 'user' %}{{ '<｜User｜>' + m['content'] }}"
    "{% elif m['role'] == 'assistant' %}{{ '<｜Assistant｜>' + m['content'].split('</think>')[-1]"
    " + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}"
)
"""As DeepSeek's own, the tools left out: it takes the thought away from the reply."""
QWEN3_TEMPLATE = (
    "{%- for message in messages %}"
    "{%- if message.role == 'assistant' and '</think>' in message.content %}"
    "{{- '<|im_start|>assistant\\n' + message.content.split('</think>')[-1].lstrip('\\n') "
    "+ '<|im_end|>\\n' }}{%- else %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}"
)
LLAMA3_TEMPLATE = (
    "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + "
    "'<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}"
    "{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
)
GEMMA_TEMPLATE = (
    "{{ bos_token }}{%- if messages[0]['role'] == 'system' -%}"
    "{%- set first_user_prefix = messages[0]['content'] + '\\n\\n' -%}"
    "{%- set loop_messages = messages[1:] -%}{%- else -%}{%- set first_user_prefix = '' -%}"
    "{%- set loop_messages = messages -%}{%- endif -%}"
    "{%- for message in loop_messages -%}{%- if (message['role'] == 'assistant') -%}"
    "{%- set role = 'model' -%}{%- else -%}{%- set role = message['role'] -%}{%- endif -%}"
    "{{ '<start_of_turn>' + role + '\\n' + (first_user_prefix if loop.first else '') }}"
    "{{ message['content'] | trim }}{{ '<end_of_turn>\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}"
)
MISTRAL_TEMPLATE = (
    "{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content'] %}"
    "{%- set loop_messages = messages[1:] %}{%- else %}{%- set loop_messages = messages %}"
    "{%- endif %}{{- bos_token }}{%- for message in loop_messages %}"
    "{%- if message['role'] == 'user' %}{%- if loop.last and system_message is defined %}"
    "{{- '[INST] ' + system_message + '\\n\\n' + message['content'] + '[/INST]' }}{%- else %}"
    "{{- '[INST] ' + message['content'] + '[/INST]' }}{%- endif %}"
    "{%- elif message['role'] == 'assistant' %}{{- ' ' + message['content'] + eos_token}}"
    "{%- endif %}{%- endfor %}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of model. `tokens` says of each control token whether it is "special".

    `words` is the expression by which text is split before BPE; "" for SentencePiece, of which
    `tokens` come first in the vocabulary. `texts` are pieces of text that are added tokens as well.
    """

    model_type: str
    words: str
    tokens: dict[str, bool]
    pad: str
    bos: str
    settings: dict[str, Any]
    sizes: dict[str, Any] = field(default_factory=dict)
    normalizes: bool = False
    ignore_merges: bool = False
    texts: tuple[str, ...] = ()
    prefix: str = ""


def _settings(eos: str, **others: Any) -> dict[str, Any]:
    return {"eos_token": eos, "unk_token": None, "tokenizer_class": "TokenizersBackend", **others}


_QWEN_TOKENS = {
    "<|endoftext|>": True,
    "<|im_start|>": True,
    "<|im_end|>": True,
    "<tool_call>": False,
    "</tool_call>": False,
}

FAMILIES = {
    "r1": Family(
        model_type="qwen2",
        words=QWEN2_WORDS,
        # As in the published tokenizer_config.json.
        tokens={
            "<｜end▁of▁sentence｜>": True,
            "<｜User｜>": False,
            "<｜Assistant｜>": False,
            "<｜begin▁of▁sentence｜>": True,
            "<|EOT|>": False,
            "<think>": False,
            "</think>": False,
            "<|vision_pad|>": True,
        },
        pad="<|vision_pad|>",
        bos="<｜begin▁of▁sentence｜>",
        settings={
            "eos_token": "<｜end▁of▁sentence｜>",
            "unk_token": None,
            "tokenizer_class": "LlamaTokenizerFast",
            "add_bos_token": True,
            "add_eos_token": False,
            "bos_token": {"__type": "AddedToken", "content": "<｜begin▁of▁sentence｜>"},
            "chat_template": R1_TEMPLATE,
        },
        sizes={"use_sliding_window": False},
        normalizes=True,
    ),
    "chatml": Family(
        model_type="qwen2",
        words=QWEN2_WORDS,
        tokens=_QWEN_TOKENS,
        pad="<|endoftext|>",
        bos="",
        settings={
            "eos_token": "<|im_end|>",
            "unk_token": None,
            "tokenizer_class": "Qwen2Tokenizer",
            "bos_token": None,
        },
        sizes={"use_sliding_window": False},
        normalizes=True,
    ),
    "qwen3": Family(
        model_type="qwen3",
        words=QWEN2_WORDS,
        tokens={**_QWEN_TOKENS, "<think>": False, "</think>": False},
        pad="<|endoftext|>",
        bos="",
        settings=_settings("<|im_end|>", bos_token=None, chat_template=QWEN3_TEMPLATE),
        sizes={"head_dim": 64, "tie_word_embeddings": True, "use_sliding_window": False},
        normalizes=True,
    ),
    "llama3": Family(
        model_type="llama",
        words=LLAMA3_WORDS,
        tokens=dict.fromkeys(
            (
                "<|begin_of_text|>",
                "<|end_of_text|>",
                "<|start_header_id|>",
                "<|end_header_id|>",
                "<|eot_id|>",
            ),
            True,
        ),
        pad="<|end_of_text|>",
        bos="<|begin_of_text|>",
        settings=_settings(
            "<|eot_id|>", bos_token="<|begin_of_text|>", chat_template=LLAMA3_TEMPLATE
        ),
        sizes={
            "tie_word_embeddings": True,
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 500_000.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 512,
            },
        },
        ignore_merges=True,
    ),
    "gemma3": Family(
        model_type="gemma3_text",
        words="",
        tokens={
            "<pad>": True,
            "<eos>": True,
            "<bos>": True,
            "<unk>": True,
            "<start_of_turn>": True,
            "<end_of_turn>": True,
        },
        pad="<pad>",
        bos="<bos>",
        settings=_settings("<eos>", bos_token="<bos>", chat_template=GEMMA_TEMPLATE),
        sizes={
            "num_hidden_layers": 6,
            "head_dim": 64,
            "query_pre_attn_scalar": 64,
            "sliding_window": 32,
            "tie_word_embeddings": True,
        },
        texts=("\n\n", "<table>"),
    ),
    "mistral": Family(
        model_type="mistral",
        words="",
        tokens=dict.fromkeys(("<unk>", "<s>", "</s>", "[INST]", "[/INST]"), True),
        pad="<unk>",
        bos="<s>",
        settings=_settings("</s>", bos_token="<s>", chat_template=MISTRAL_TEMPLATE),
        sizes={"sliding_window": None, "head_dim": 32},
        prefix="first",
    ),
}
