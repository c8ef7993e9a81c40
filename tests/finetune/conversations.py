"""Conversations, and what each chat format makes of them, written out for people to read."""

from dataclasses import dataclass

from finetune.model.chat_format import FORMATS
from finetune.recipe import FormatName
from finetune.records import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A conversation that waits for a reply, or, with `reply`, one that ends with it.

    `think` is what a caller asks for: thinking, none of it, or nothing said about it.
    """

    user: str
    system: str = ""
    history: tuple[Turn, ...] = ()
    think: bool | None = None
    reply: Turn | None = None
    written: dict[FormatName, str]


EARLIER = (
    Turn(user="How high?", think="The rule says 120.", answer="120 m."),
    Turn(user="多远？", answer="视线之内。"),
)

CASES = {
    "question": Case(
        user="你好",
        written={
            "r1-think": "<｜begin▁of▁sentence｜><｜User｜>你好<｜Assistant｜><think>\n",
            "r1-direct": "<｜begin▁of▁sentence｜><｜User｜>你好<｜Assistant｜>"
            "<think>\n\n</think>\n\n",
            "chatml": "<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n",
            "qwen3-think": "<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n<think>\n",
            "qwen3-direct": "<|im_start|>user\n你好<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n"
            "\n",
            "llama3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n你好<|eot_id|"
            ">"
            "<|start_header_id|>assistant<|end_header_id|>\n"
            "\n",
            "gemma": "<bos><start_of_turn>user\n你好<end_of_turn>\n<start_of_turn>model\n",
            "mistral": "<s>[INST] 你好[/INST]",
        },
    ),
    "thinking": Case(
        user="Hi",
        think=True,
        written={
            "r1-think": "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜><think>\n",
            "r1-direct": "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜>"
            "<think>\n\n</think>\n\n",
            "chatml": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
            "qwen3-think": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n",
            "qwen3-direct": "<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n"
            "\n",
            "llama3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|"
            ">"
            "<|start_header_id|>assistant<|end_header_id|>\n"
            "\n",
            "gemma": "<bos><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n",
            "mistral": "<s>[INST] Hi[/INST]",
        },
    ),
    "no thinking": Case(
        user="Hi",
        think=False,
        written={
            "r1-think": "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜><think>\n\n</think>\n\n",
            "r1-direct": "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜>"
            "<think>\n\n</think>\n\n",
            "chatml": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
            "qwen3-think": "<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n"
            "\n",
            "qwen3-direct": "<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n"
            "\n",
            "llama3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|"
            ">"
            "<|start_header_id|>assistant<|end_header_id|>\n"
            "\n",
            "gemma": "<bos><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n",
            "mistral": "<s>[INST] Hi[/INST]",
        },
    ),
    "system": Case(
        system="Be brief.\n\nAnswer in English.",
        user="Hi",
        written={
            "r1-think": "<｜begin▁of▁sentence｜>Be brief.\n\nAnswer in English.<｜User｜>Hi"
            "<｜Assistant｜><think>\n",
            "r1-direct": "<｜begin▁of▁sentence｜>Be brief.\n\nAnswer in English.<｜User｜>Hi"
            "<｜Assistant｜><think>\n\n</think>\n\n",
            "chatml": "<|im_start|>system\nBe brief.\n\nAnswer in English.<|im_end|>\n"
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
            "qwen3-think": "<|im_start|>system\nBe brief.\n\nAnswer in English.<|im_end|>\n"
            "<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\n<think>"
            "\n",
            "qwen3-direct": "<|im_start|>system\nBe brief.\n\nAnswer in English.<|im_end|>\n"
            "<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n"
            "\n",
            "llama3": "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief."
            "\n\nAnswer in English.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n"
            "\n",
            "gemma": "<bos><start_of_turn>user\nBe brief.\n\nAnswer in English.\n\nHi<end_of_turn"
            ">\n"
            "<start_of_turn>model"
            "\n",
            "mistral": "<s>[INST] Be brief.\n\nAnswer in English.\n\nHi[/INST]",
        },
    ),
    "earlier turns": Case(
        system="S",
        history=EARLIER,
        user="And at night?",
        written={
            "r1-think": "<｜begin▁of▁sentence｜>S"
            "<｜User｜>How high?<｜Assistant｜>120 m.<｜end▁of▁sentence｜>"
            "<｜User｜>多远？<｜Assistant｜>视线之内。<｜end▁of▁sentence｜>"
            "<｜User｜>And at night?<｜Assistant｜><think>\n",
            "r1-direct": "<｜begin▁of▁sentence｜>S"
            "<｜User｜>How high?<｜Assistant｜>120 m.<｜end▁of▁sentence｜>"
            "<｜User｜>多远？<｜Assistant｜>视线之内。<｜end▁of▁sentence｜>"
            "<｜User｜>And at night?<｜Assistant｜><think>\n\n</think>\n\n",
            "chatml": "<|im_start|>system\nS<|im_end|>\n"
            "<|im_start|>user\nHow high?<|im_end|>\n<|im_start|>assistant\n120 m.<|im_end|>\n"
            "<|im_start|>user\n多远？<|im_end|>\n<|im_start|>assistant\n视线之内。<|im_end|>\n"
            "<|im_start|>user\nAnd at night?<|im_end|>\n<|im_start|>assistant\n",
            "qwen3-think": "<|im_start|>system\nS<|im_end|>\n"
            "<|im_start|>user\nHow high?<|im_end|>\n"
            "<|im_start|>assistant\n120 m.<|im_end|>\n"
            "<|im_start|>user\n多远？<|im_end|>\n"
            "<|im_start|>assistant\n视线之内。<|im_end|>\n"
            "<|im_start|>user\nAnd at night?<|im_end|>\n"
            "<|im_start|>assistant\n<think>"
            "\n",
            "qwen3-direct": "<|im_start|>system\nS<|im_end|>\n"
            "<|im_start|>user\nHow high?<|im_end|>\n"
            "<|im_start|>assistant\n120 m.<|im_end|>\n"
            "<|im_start|>user\n多远？<|im_end|>\n"
            "<|im_start|>assistant\n视线之内。<|im_end|>\n"
            "<|im_start|>user\nAnd at night?<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n"
            "\n",
            "llama3": "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id"
            "|>"
            "<|start_header_id|>user<|end_header_id|>\n\nHow high?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n120 m.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\n多远？<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n视线之内。<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nAnd at night?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n"
            "\n",
            "gemma": "<bos><start_of_turn>user\nS\n\nHow high?<end_of_turn>\n"
            "<start_of_turn>model\n120 m.<end_of_turn>\n"
            "<start_of_turn>user\n多远？<end_of_turn>\n"
            "<start_of_turn>model\n视线之内。<end_of_turn>\n"
            "<start_of_turn>user\nAnd at night?<end_of_turn>\n"
            "<start_of_turn>model"
            "\n",
            "mistral": "<s>[INST] S\n\nHow high?[/INST] 120 m.</s>"
            "[INST] 多远？[/INST] 视线之内。</s>"
            "[INST] And at night?[/INST]",
        },
    ),
    "white space": Case(
        history=(Turn(user="\n a \n\n", answer="  b\t\n"),),
        user="\n\nx\r\n y\n",
        written={
            "r1-think": "<｜begin▁of▁sentence｜><｜User｜>\n a \n\n<｜Assistant｜>  b\t\n"
            "<｜end▁of▁sentence｜><｜User｜>\n\nx\r\n y\n<｜Assistant｜><think>\n",
            "r1-direct": "<｜begin▁of▁sentence｜><｜User｜>\n a \n\n<｜Assistant｜>  b\t\n"
            "<｜end▁of▁sentence｜><｜User｜>\n\nx\r\n y\n<｜Assistant｜><think>\n\n</think>\n\n",
            "chatml": "<|im_start|>user\n\n a \n\n<|im_end|>\n<|im_start|>assistant\n  b\t\n"
            "<|im_end|>\n<|im_start|>user\n\n\nx\r\n y\n<|im_end|>\n<|im_start|>assistant\n",
            "qwen3-think": "<|im_start|>user\n\n a \n\n<|im_end|>\n"
            "<|im_start|>assistant\n  b\t\n<|im_end|>\n"
            "<|im_start|>user\n\n\nx\r\n y\n<|im_end|>\n"
            "<|im_start|>assistant\n<think>"
            "\n",
            "qwen3-direct": "<|im_start|>user\n\n a \n\n<|im_end|>\n"
            "<|im_start|>assistant\n  b\t\n<|im_end|>\n"
            "<|im_start|>user\n\n\nx\r\n y\n<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n"
            "\n",
            "llama3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n\n a \n\n<|eot"
            "_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n  b\t\n<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\n\n\nx\r\n y\n<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n"
            "\n",
            "gemma": "<bos><start_of_turn>user\n\n a \n\n<end_of_turn>\n"
            "<start_of_turn>model\n  b\t\n<end_of_turn>\n"
            "<start_of_turn>user\n\n\nx\r\n y\n<end_of_turn>\n"
            "<start_of_turn>model"
            "\n",
            "mistral": "<s>[INST] \n a \n\n[/INST]   b\t\n</s>[INST] \n\nx\r\n y\n[/INST]",
        },
    ),
    "braces and quotes": Case(
        system="{{ .System }} {% raw %}",
        user="{{ user }} {%- if x -%} {# no #} ${y} \"q\" 'p' `r` \\n <b>&amp;</b> %s",
        written={
            "r1-think": "<｜begin▁of▁sentence｜>{{ .System }} {% raw %}<｜User｜>{{ user }} "
            "{%- if x -%} {# no #} ${y} \"q\" 'p' `r` \\n <b>&amp;</b> %s<｜Assistant｜><think>\n",
            "r1-direct": "<｜begin▁of▁sentence｜>{{ .System }} {% raw %}<｜User｜>{{ user }} "
            "{%- if x -%} {# no #} ${y} \"q\" 'p' `r` \\n <b>&amp;</b> %s<｜Assistant｜>"
            "<think>\n\n</think>\n\n",
            "chatml": "<|im_start|>system\n{{ .System }} {% raw %}<|im_end|>\n<|im_start|>user\n"
            "{{ user }} {%- if x -%} {# no #} ${y} \"q\" 'p' `r` \\n <b>&amp;</b> %s<|im_end|>\n"
            "<|im_start|>assistant\n",
            "qwen3-think": "<|im_start|>system\n{{ .System }} {% raw %}<|im_end|>\n"
            "<|im_start|>user\n{{ user }} {%- if x -%} {# no #} ${y} \"q\" 'p' `r` \\n "
            "<b>&amp;</b> %s<|im_end|>\n"
            "<|im_start|>assistant\n<think>"
            "\n",
            "qwen3-direct": "<|im_start|>system\n{{ .System }} {% raw %}<|im_end|>\n"
            "<|im_start|>user\n{{ user }} {%- if x -%} {# no #} ${y} \"q\" 'p' `r` \\n "
            "<b>&amp;</b> %s<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n"
            "\n",
            "llama3": "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n{{ .Syste"
            "m }} {% raw %}<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\n{{ user }} {%- if x -%} {# n"
            "o #} ${y} \"q\" 'p' `r` \\n <b>&amp;</b> %s<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n"
            "\n",
            "gemma": "<bos><start_of_turn>user\n{{ .System }} {% raw %}\n\n{{ user }} {%- if x "
            "-%} {# no #} ${y} \"q\" 'p' `r` \\n <b>&amp;</b> %s<end_of_turn>\n"
            "<start_of_turn>model"
            "\n",
            "mistral": "<s>[INST] {{ .System }} {% raw %}\n\n{{ user }} {%- if x -%} {# no #} ${"
            "y} \"q\" 'p' `r` \\n <b>&amp;</b> %s[/INST]",
        },
    ),
    "empty question": Case(
        user="",
        written={
            "r1-think": "<｜begin▁of▁sentence｜><｜User｜><｜Assistant｜><think>\n",
            "r1-direct": "<｜begin▁of▁sentence｜><｜User｜><｜Assistant｜><think>\n\n</think>\n\n",
            "chatml": "<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n",
            "qwen3-think": "<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n<think>\n",
            "qwen3-direct": "<|im_start|>user\n<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n"
            "\n",
            "llama3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n"
            "\n",
            "gemma": "<bos><start_of_turn>user\n<end_of_turn>\n<start_of_turn>model\n",
            "mistral": "<s>[INST] [/INST]",
        },
    ),
    "reply": Case(
        system="S",
        user="How high?",
        reply=Turn(user="How high?", think="The rule\n\nsays 120.", answer="120 m.\nNo more."),
        written={
            "r1-think": "<｜begin▁of▁sentence｜>S<｜User｜>How high?<｜Assistant｜><think>\n"
            "The rule\n\nsays 120.\n</think>\n\n120 m.\nNo more.<｜end▁of▁sentence｜>",
            "r1-direct": "<｜begin▁of▁sentence｜>S<｜User｜>How high?<｜Assistant｜>"
            "<think>\n\n</think>\n\n120 m.\nNo more.<｜end▁of▁sentence｜>",
            "chatml": "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nHow high?<|im_end|>\n"
            "<|im_start|>assistant\n120 m.\nNo more.<|im_end|>",
            "qwen3-think": "<|im_start|>system\nS<|im_end|>\n"
            "<|im_start|>user\nHow high?<|im_end|>\n"
            "<|im_start|>assistant\n<think>\nThe rule\n\nsays 120.\n</think>\n\n120 m.\nNo "
            "more.<|im_end|>",
            "qwen3-direct": "<|im_start|>system\nS<|im_end|>\n"
            "<|im_start|>user\nHow high?<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n\n120 m.\nNo more.<|im_end|>",
            "llama3": "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id"
            "|>"
            "<|start_header_id|>user<|end_header_id|>\n\nHow high?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n120 m.\nNo more.<|eot_id"
            "|>",
            "gemma": "<bos><start_of_turn>user\nS\n\nHow high?<end_of_turn>\n"
            "<start_of_turn>model\n120 m.\nNo more.<end_of_turn>",
            "mistral": "<s>[INST] S\n\nHow high?[/INST] 120 m.\nNo more.</s>",
        },
    ),
    "reply without thought": Case(
        history=EARLIER,
        user="{{x}}",
        reply=Turn(user="{{x}}", answer="{%y%}\n"),
        written={
            "r1-think": "<｜begin▁of▁sentence｜>"
            "<｜User｜>How high?<｜Assistant｜>120 m.<｜end▁of▁sentence｜>"
            "<｜User｜>多远？<｜Assistant｜>视线之内。<｜end▁of▁sentence｜>"
            "<｜User｜>{{x}}<｜Assistant｜><think>\n\n</think>\n\n{%y%}\n<｜end▁of▁sentence｜>",
            "r1-direct": "<｜begin▁of▁sentence｜>"
            "<｜User｜>How high?<｜Assistant｜>120 m.<｜end▁of▁sentence｜>"
            "<｜User｜>多远？<｜Assistant｜>视线之内。<｜end▁of▁sentence｜>"
            "<｜User｜>{{x}}<｜Assistant｜><think>\n\n</think>\n\n{%y%}\n<｜end▁of▁sentence｜>",
            "chatml": "<|im_start|>user\nHow high?<|im_end|>\n<|im_start|>assistant\n120 m."
            "<|im_end|>\n<|im_start|>user\n多远？<|im_end|>\n<|im_start|>assistant\n视线之内。"
            "<|im_end|>\n<|im_start|>user\n{{x}}<|im_end|>\n<|im_start|>assistant\n{%y%}\n"
            "<|im_end|>",
            "qwen3-think": "<|im_start|>user\nHow high?<|im_end|>\n"
            "<|im_start|>assistant\n120 m.<|im_end|>\n"
            "<|im_start|>user\n多远？<|im_end|>\n"
            "<|im_start|>assistant\n视线之内。<|im_end|>\n"
            "<|im_start|>user\n{{x}}<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n\n{%y%}\n<|im_end|>",
            "qwen3-direct": "<|im_start|>user\nHow high?<|im_end|>\n"
            "<|im_start|>assistant\n120 m.<|im_end|>\n"
            "<|im_start|>user\n多远？<|im_end|>\n"
            "<|im_start|>assistant\n视线之内。<|im_end|>\n"
            "<|im_start|>user\n{{x}}<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n\n{%y%}\n<|im_end|>",
            "llama3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHow high?<|"
            "eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n120 m.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\n多远？<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n视线之内。<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\n{{x}}<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n{%y%}\n<|eot_id|>",
            "gemma": "<bos><start_of_turn>user\nHow high?<end_of_turn>\n"
            "<start_of_turn>model\n120 m.<end_of_turn>\n"
            "<start_of_turn>user\n多远？<end_of_turn>\n"
            "<start_of_turn>model\n视线之内。<end_of_turn>\n"
            "<start_of_turn>user\n{{x}}<end_of_turn>\n"
            "<start_of_turn>model\n{%y%}\n<end_of_turn>",
            "mistral": "<s>[INST] How high?[/INST] 120 m.</s>"
            "[INST] 多远？[/INST] 视线之内。</s>"
            "[INST] {{x}}[/INST] {%y%}\n</s>",
        },
    ),
}

WRITTEN = [(fmt, case) for case in CASES.values() for fmt in FORMATS]
NAMES = [f"{fmt.name}: {name}" for name in CASES for fmt in FORMATS]


def messages(case: Case) -> list[dict[str, str]]:
    """Return a conversation as clients send it: Ollama's names, thoughts of all turns included."""
    turns = (*case.history, case.reply or Turn(user=case.user, answer=""))
    sent = [{"role": "system", "content": case.system}] if case.system else []
    for turn in turns:
        sent.append({"role": "user", "content": turn.user})
        sent.append({"role": "assistant", "content": turn.answer, "thinking": turn.think})
    return sent if case.reply else sent[:-1]
