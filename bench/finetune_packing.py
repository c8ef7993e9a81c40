"""Packed rows beside padded ones: tokens a second of CPU, and how far their losses are apart.

python -m bench.finetune_packing           # a few minutes on one thread

A Qwen2 of random weights (6 layers, width 256) trains on samples of log-normal lengths, as rows of
questions and answers have them (median 120 tokens, longest 1,024). Padding is counted as time, not
as tokens. Both ways read the same samples; one step each is not counted.
"""

import random
import time
from typing import Any

WIDTH, LAYERS, VOCABULARY = 256, 6, 8_000
SAMPLES, MEDIAN, SPREAD, LONGEST = 128, 120, 0.8, 1_024
PADDED_BATCHES = (2, 8, 16)


def random_samples(count: int) -> Any:
    """Return samples of which the last third is learnt."""
    from finetune.model.samples import IGNORED, Sample
    from finetune.train.batches import SampleSet

    draw = random.Random(7)
    samples = []
    for _ in range(count):
        length = min(LONGEST, max(16, round(MEDIAN * draw.lognormvariate(0, SPREAD))))
        ids = tuple(draw.randrange(10, VOCABULARY) for _ in range(length))
        prompt = 2 * length // 3
        labels = (*[IGNORED] * prompt, *ids[prompt:])
        samples.append(Sample(ids=ids, labels=labels, record=""))
    return SampleSet(samples)


def measure(model: Any, rows: Any, batch: int) -> tuple[float, float, float]:
    """Return real tokens a second of CPU, the share of padding, and the mean loss of a target."""
    import torch
    from torch.utils.data import DataLoader

    from finetune.model.samples import IGNORED
    from finetune.train.batches import padding_collator

    order = torch.Generator().manual_seed(0)
    loader = DataLoader(
        rows, batch_size=batch, shuffle=True, generator=order, collate_fn=padding_collator(0)
    )
    tokens = seconds = summed = targets = places = 0.0
    for number, inputs in enumerate(loader):
        begun = time.process_time()
        loss = model(**inputs, num_items_in_batch=1).loss
        loss.backward()
        model.zero_grad()
        summed += loss.item()
        targets += int((inputs["labels"] != IGNORED).sum())
        if number:
            seconds += time.process_time() - begun
            tokens += int(inputs["attention_mask"].sum())
            places += inputs["input_ids"].numel()
    return tokens / seconds, 1 - tokens / places, summed / targets


def main() -> None:
    """Print a line for each way."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from finetune.train.batches import PackedSet
    from finetune.train.loss import patch_target_loss

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=VOCABULARY,
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=LONGEST,
        )
    )
    patch_target_loss(model, chunk=1_024)
    samples = random_samples(SAMPLES)
    packed = PackedSet(samples, size=LONGEST)
    print(f"{len(samples)} samples, {samples.tokens:,} tokens; packed: {len(packed)} rows")
    for name, rows, batch in [
        *((f"padded, batch {batch}", samples, batch) for batch in PADDED_BATCHES),
        ("packed, batch 1", packed, 1),
        ("packed, batch 2", packed, 2),
    ]:
        speed, padding, loss = measure(model, rows, batch)
        print(f"{name:18} {speed:8,.0f} tokens/s  padding {padding:5.1%}  loss {loss:.6f}")


if __name__ == "__main__":
    main()
