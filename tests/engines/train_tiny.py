"""Train the tiny chat model of the tests: it thinks, copies a fact from our prompt and cites it.

    python -m tests.engines.train_tiny tests/data/tiny_chat 900    # seconds at most, one core

The shipped weights are such a run's: 8,700 steps, 48 of 50 replies right to the letter. A change of
the prompts' wording asks for another run.

Qwen2's architecture (2 layers, 64 wide) with DeepSeek-R1's chat template, trained on prompts that
`assistant.answer.prompts` writes, so that a real engine can be asked for real. It knows nothing
but "What is the X?" over passages that say "The X is Y.".
"""

import json
import random
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from assistant.answer.prompts import build_prompt
from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN
from assistant.values import Passage

BOS, EOS, PAD = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜pad｜>"
USER, ASSISTANT = "<｜User｜>", "<｜Assistant｜>"
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] }}"
    "{% elif m['role'] == 'user' %}{{ '<｜User｜>' + m['content'] }}"
    "{% elif m['role'] == 'assistant' %}{{ '<｜Assistant｜>' + m['content'].split('</think>')[-1]"
    " + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}"
)
NOUNS = """drone battery motor camera radio antenna propeller sensor flight altitude speed limit
fence pilot licence weather wind signal landing takeoff""".split()  # noqa: SIM905  reads better
VALUES = """red green blue seven eight nine ten twelve forty sixty ready broken safe low high fast
slow closed open late early north south east west""".split()  # noqa: SIM905  reads better

VOCABULARY = 768
LEARNT = 0.05
"""Mean loss per token of the reply at which bare facts are copied well enough to go on."""
GOOD_ENOUGH = 0.004
"""Mean loss per answer token at which the model copies almost without error."""


@dataclass(frozen=True)
class Shape:
    """The sizes of the model, as `config.json` names them."""

    vocab_size: int
    hidden_size: int = 64
    intermediate_size: int = 128
    num_hidden_layers: int = 2
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    max_position_embeddings: int = 1024
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-6

    @property
    def head(self) -> int:
        return self.hidden_size // self.num_attention_heads


class Attention(nn.Module):
    """Grouped-query attention with rotary positions."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        narrow = shape.num_key_value_heads * shape.head
        self.q_proj = nn.Linear(shape.hidden_size, shape.hidden_size)
        self.k_proj = nn.Linear(shape.hidden_size, narrow)
        self.v_proj = nn.Linear(shape.hidden_size, narrow)
        self.o_proj = nn.Linear(shape.hidden_size, shape.hidden_size, bias=False)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        q, k, v = (self._heads(p(x)) for p in (self.q_proj, self.k_proj, self.v_proj))
        repeat = self.shape.num_attention_heads // self.shape.num_key_value_heads
        k, v = (each.repeat_interleave(repeat, dim=1) for each in (_rotated(k, turn), v))
        mixed = F.scaled_dot_product_attention(_rotated(q, turn), k, v, is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (-1, self.shape.head)).transpose(1, 2)


class Mlp(nn.Module):
    """SwiGLU."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.up_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.down_proj = nn.Linear(shape.intermediate_size, shape.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """Attention and MLP, each behind its norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = Mlp(shape)
        self.input_layernorm = nn.RMSNorm(shape.hidden_size, eps=shape.rms_norm_eps)
        self.post_attention_layernorm = nn.RMSNorm(shape.hidden_size, eps=shape.rms_norm_eps)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), turn)
        return x + self.mlp(self.post_attention_layernorm(x))


class Qwen2(nn.Module):
    """The whole model; embeddings and output share their weights."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.num_hidden_layers))
        self.norm = nn.RMSNorm(shape.hidden_size, eps=shape.rms_norm_eps)
        for name, weight in self.named_parameters():
            if weight.dim() > 1:
                nn.init.normal_(weight, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the last hidden states; `logits` makes words of them."""
        half = self.shape.head // 2
        frequency = self.shape.rope_theta ** (-torch.arange(half) / half)
        angle = torch.outer(torch.arange(ids.shape[1]), frequency).repeat(1, 2)
        x = self.embed_tokens(ids)
        for layer in self.layers:
            x = layer(x, (angle.cos(), angle.sin()))
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden @ self.embed_tokens.weight.T


def _rotated(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    left, right = x.chunk(2, dim=-1)
    return x * turn[0] + torch.cat((-right, left), dim=-1) * turn[1]


Lesson = Literal["bare", "fenced", "whole"]
"""How much of our prompt stands around the facts: none, the fence, the system message too."""


def sample(lesson: Lesson = "whole") -> tuple[str, str]:
    """Return a rendered prompt and the reply to it."""
    nouns, values = random.sample(NOUNS, 3), random.sample(VALUES, 3)
    day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=random.randrange(360))
    passages = [
        Passage(
            number=number,
            url=f"https://pages.example/{noun}",
            title=f"About the {noun}",
            text=f"The {noun} is {value}.",
            score=1.0,
            fetched_at=day,
        )
        for number, (noun, value) in enumerate(zip(nouns, values, strict=True), 1)
    ]
    at = random.randrange(3)
    prompt = build_prompt(
        f"What is the {nouns[at]}?",
        passages,
        language="en",
        context_tokens=8192,
        reply_tokens=1024,
    )
    told = prompt.messages[0].text if lesson == "whole" else ""
    text = prompt.messages[1].text
    if lesson == "bare":
        facts = "".join(f"[{passage.number}] {passage.text}\n" for passage in passages)
        text = f"{facts}{prompt.question}"
    asked = f"{BOS}{told}{USER}{text}{ASSISTANT}{THINK_OPEN}\n"
    thought = f"Source [{at + 1}] says {nouns[at]}.\n{THINK_CLOSE}\n\n"
    return asked, f"{thought}The {nouns[at]} is {values[at]} [{at + 1}].{EOS}"


def train_tokenizer() -> Tokenizer:
    """Return a byte-level BPE that knows our prompts by heart."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 2,
        special_tokens=[BOS, EOS, PAD, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(("".join(sample()) for _ in range(500)), trainer)
    tags = [AddedToken(tag, normalized=False) for tag in (THINK_OPEN, THINK_CLOSE)]
    tokenizer.add_tokens(tags)
    return tokenizer


def batch(tokenizer: Tokenizer, size: int, lesson: Lesson) -> tuple[Tensor, Tensor]:
    """Return token ids and which of them are to be learnt, padded on the right."""
    pairs = [sample(lesson) for _ in range(size)]
    rows = [(tokenizer.encode(asked).ids, tokenizer.encode(reply).ids) for asked, reply in pairs]
    longest = max(len(asked) + len(reply) for asked, reply in rows)
    ids = torch.full((size, longest), tokenizer.token_to_id(PAD))
    learnt = torch.zeros((size, longest), dtype=torch.bool)
    for row, (asked, reply) in enumerate(rows):
        end = len(asked) + len(reply)
        ids[row, :end] = torch.tensor(asked + reply)
        learnt[row, len(asked) : end] = True
    return ids, learnt


def train(model: Qwen2, tokenizer: Tokenizer, *, seconds: float) -> None:
    """Train until the model copies from whole prompts, or the time is over.

    Copying is learnt on bare facts, where it is cheap, and then carried over to longer prompts.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    began = time.monotonic()
    means: dict[Lesson, float] = {"bare": 1.0, "fenced": 1.0, "whole": 1.0}
    step = 0
    while time.monotonic() - began < seconds and means["whole"] > GOOD_ENOUGH:
        weights = (1, 0, 0) if means["bare"] > LEARNT else (1, 3, 3)
        lesson = random.choices(list(means), weights)[0]
        ids, learnt = batch(tokenizer, 32, lesson)
        hidden = model(ids)[:, :-1][learnt[:, 1:]]
        loss = F.cross_entropy(model.logits(hidden), ids[:, 1:][learnt[:, 1:]])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        means[lesson] = 0.95 * means[lesson] + 0.05 * loss.item()
        if step % 100 == 0:
            told = ", ".join(f"{name} {mean:.4f}" for name, mean in means.items())
            print(f"step {step}: {told}, {time.monotonic() - began:.0f} s", flush=True)


@torch.no_grad()
def exact(model: Qwen2, tokenizer: Tokenizer, tries: int) -> int:
    """Return how many of `tries` replies are right to the letter."""
    right = 0
    for _ in range(tries):
        asked, reply = sample()
        ids = tokenizer.encode(asked).ids
        begun = len(ids)
        while ids[-1] != tokenizer.token_to_id(EOS) and len(ids) < begun + 60:
            ids.append(int(model.logits(model(torch.tensor([ids]))[:, -1]).argmax()))
        right += tokenizer.decode(ids[begun:], skip_special_tokens=False) == reply
    return right


def save(model: Qwen2, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the folder as transformers would."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {f"model.{name}": weight for name, weight in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    tokens = {"bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD}
    config = {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        **vars(model.shape),
        **{key: tokenizer.token_to_id(token) for key, token in tokens.items()},
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    names = {"bos_token": BOS, "eos_token": EOS, "pad_token": PAD}
    (folder / "tokenizer_config.json").write_text(json.dumps(names, ensure_ascii=False) + "\n")


def main() -> None:
    """Train, test and save."""
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 3600.0
    random.seed(0)
    torch.manual_seed(0)
    torch.set_num_threads(1)  # two threads on a busy machine are ten times slower
    tokenizer = train_tokenizer()
    model = Qwen2(Shape(vocab_size=VOCABULARY))
    print(f"{len(tokenizer.encode(sample()[0]).ids)} tokens in a prompt", flush=True)
    train(model, tokenizer, seconds=seconds)
    print(f"{exact(model, tokenizer, 50)} of 50 exact")
    save(model, tokenizer, folder)


if __name__ == "__main__":
    main()
