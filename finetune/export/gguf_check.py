"""Compare a GGUF file, read back by transformers, with the folder that it was made from."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from finetune.errors import ExportError
from finetune.export.config import read_json, rope_parameters
from finetune.model.tokenization import PROBE, load_tokenizer
from finetune.train.model import silence_libraries
from ingest.foundation.messages import Message

MIN_ARGMAX_EQUAL = 0.9
"""Share of positions at which both rank the same token first; Q8_0 loses a few near-ties."""

# transformers reads all weights of these, but of the metadata neither the width of a head (Qwen3)
# nor the second rotary base (Gemma 3) nor Llama 3's scaling: the shape comes from the folder then.
POORLY_READ = ("qwen3", "gemma3_text")


def check_gguf(folder: Path, gguf: Path) -> dict[str, Any]:
    """Return `max_difference` of the logits and `argmax_equal`, the share of equal first tokens.

    Needs memory for two copies of the model in fp32.

    Raises:
        ExportError: the file is another model.
    """
    silence_libraries()
    ids = torch.tensor([load_tokenizer(folder).plain(PROBE)])
    ours = _fp32_logits(folder, ids)
    options: dict[str, Any] = {"gguf_file": gguf.name}
    config = read_json(folder / "config.json")
    if config.get("model_type") in POORLY_READ or rope_parameters(config)["rope_type"] == "llama3":
        options["config"] = AutoConfig.from_pretrained(folder)
    theirs = _fp32_logits(gguf.parent, ids, **options)
    equal = float((ours.argmax(-1) == theirs.argmax(-1)).float().mean())
    if equal < MIN_ARGMAX_EQUAL:
        raise ExportError(
            Message(
                "{gguf} agrees with {folder} at only {equal:.0%} of the positions",
                gguf=gguf,
                folder=folder,
                equal=equal,
            ),
            hint=Message("export again with --quantize f16"),
        )
    return {"max_difference": float((ours - theirs).abs().max()), "argmax_equal": equal}


@torch.inference_mode()
def _fp32_logits(folder: Path, ids: torch.Tensor, **options: Any) -> torch.Tensor:
    """Return the logits of a model loaded in fp32, (tokens, vocabulary)."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)
    found: torch.Tensor = model(input_ids=ids).logits[0]
    return found
