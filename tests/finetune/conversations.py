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
        },
    ),
    "empty question": Case(
        user="",
        written={
            "r1-think": "<｜begin▁of▁sentence｜><｜User｜><｜Assistant｜><think>\n",
            "r1-direct": "<｜begin▁of▁sentence｜><｜User｜><｜Assistant｜><think>\n\n</think>\n\n",
            "chatml": "<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n",
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
