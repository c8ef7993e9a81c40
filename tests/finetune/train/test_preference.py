"""DPO and ORPO: the losses are those of the papers, and training by them learns to prefer."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from transformers import Gemma2Config, Gemma2ForCausalLM

from finetune.errors import RecipeError, TrainingError
from finetune.model.chat_format import R1_THINK
from finetune.model.samples import IGNORED, encode_pair
from finetune.model.tokenization import load_tokenizer
from finetune.progress import SilentProgress
from finetune.records import Record, Turn, to_json
from finetune.runs import Run
from finetune.train.log import read_log, read_summary
from finetune.train.pairs import load_pair_set, pair_collator, score_reference
from finetune.train.preference import dpo_loss, orpo_loss, patch_preference_loss, reply_logps
from finetune.train.trainer import train
from tests.finetune.train.test_loss import batch, gradients, qwen
from tests.finetune.train.training_set import learnable_record, recipe

PAIRS = 3
BETA = 0.25


def with_rejected(number: int) -> Record:
    """A record whose rejected answer is of the same form, but wrong in a way that can be learnt."""
    record = learnable_record(number)
    worse = record.last.answer.replace("At most", "Some").replace("metres", "feet")
    return replace(record, rejected=Turn(user=record.last.user, answer=worse, think=""))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "run")
    run.data.mkdir(parents=True)
    for split, numbers in (("train", range(16)), ("val", range(16, 22))):
        lines = (json.dumps(to_json(with_rejected(number))) + "\n" for number in numbers)
        (run.data / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return run


def whole_logps(model: nn.Module, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Summed log-probabilities of the targets of each row, from all logits at once."""
    asked = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    logps = model(**asked).logits[:, :-1].float().log_softmax(-1)
    targets = inputs["labels"][:, 1:]
    learnt = targets != IGNORED
    each = logps.gather(-1, targets.clamp(min=0)[..., None])[..., 0] * learnt
    return each.sum(-1), learnt.sum(-1)


def dpo_of_the_paper(sums: Tensor, reference: Tensor) -> Tensor:
    """Rafailov et al. 2023, equation 7, written for one pair after the other."""
    losses = []
    for pair in range(PAIRS):
        gain_chosen = sums[pair] - reference[pair]
        gain_rejected = sums[PAIRS + pair] - reference[PAIRS + pair]
        losses.append(-torch.log(torch.sigmoid(BETA * gain_chosen - BETA * gain_rejected)))
    return torch.stack(losses).mean()


def orpo_of_the_paper(sums: Tensor, counts: Tensor) -> Tensor:
    """Hong, Lee and Thorne 2024, equations 6 to 8."""
    mean = sums / counts
    odds = mean.exp() / (1 - mean.exp())
    ratio = torch.log(torch.sigmoid(torch.log(odds[:PAIRS] / odds[PAIRS:])))
    likelihood = -sums[:PAIRS].sum() / counts[:PAIRS].sum()
    return likelihood - BETA * ratio.mean()


@pytest.mark.parametrize("chunk", [0, 1, 7, 1024])
@pytest.mark.parametrize("objective", ["dpo", "orpo"])
def test_loss_and_gradient_are_those_of_the_paper(objective: Any, chunk: int) -> None:
    whole, ours = qwen(), qwen()
    inputs = batch(2 * PAIRS, 20, prompt=7)
    reference = torch.linspace(-70.0, -40.0, 2 * PAIRS)
    assert patch_preference_loss(ours, objective=objective, beta=BETA, chunk=chunk)
    found = ours(**inputs, reference=reference).loss
    sums, counts = whole_logps(whole, inputs)
    wanted = (
        dpo_of_the_paper(sums, reference) if objective == "dpo" else orpo_of_the_paper(sums, counts)
    )
    assert torch.allclose(found, wanted, atol=1e-5)
    found.backward()
    wanted.backward()
    theirs = gradients(whole)
    for name, gradient in gradients(ours).items():
        assert torch.allclose(gradient, theirs[name], atol=1e-5), name


def test_the_odds_are_those_of_trl() -> None:
    """`ORPOTrainer.odds_ratio_loss` of TRL 1.16.0 on the same mean log-probabilities."""
    sums = torch.tensor([-12.0, -30.0, -7.0, -20.0, -9.0, -50.0])
    counts = torch.tensor([5.0, 9.0, 4.0, 6.0, 5.0, 11.0])
    losses, _ = orpo_loss(sums, counts, beta=BETA)
    likelihood = -sums[:PAIRS].sum() / counts[:PAIRS].sum()
    of_trl = torch.tensor([-0.07884763, -0.46223852, -0.01243868])
    assert torch.allclose(likelihood - losses, of_trl, atol=1e-6)


def test_sums_are_of_replies_alone() -> None:
    model = qwen()
    inputs = batch(4, 16, prompt=5)
    states = model.model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
    sums, counts = reply_logps(states.last_hidden_state, model.lm_head, inputs["labels"], chunk=3)
    wanted, lengths = whole_logps(model, inputs)
    assert torch.allclose(sums, wanted, atol=1e-4)
    assert counts.tolist() == lengths.tolist()


def test_a_model_that_has_not_moved_prefers_nothing() -> None:
    sums = torch.tensor([-10.0, -20.0, -12.0, -3.0])
    losses, margins = dpo_loss(sums, sums, beta=0.1)
    assert torch.allclose(losses, torch.full((2,), math.log(2)))
    assert margins.tolist() == [0.0, 0.0]


def test_a_reply_known_by_heart_has_finite_odds() -> None:
    sums = torch.tensor([0.0, -30.0], requires_grad=True)
    losses, _ = orpo_loss(sums, torch.tensor([5.0, 5.0]), beta=0.1)
    losses.sum().backward()
    assert sums.grad is not None
    assert bool(torch.isfinite(losses).all() and torch.isfinite(sums.grad).all())


def test_a_model_with_reshaped_logits_is_left_alone() -> None:
    config = Gemma2Config(
        vocab_size=97,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
    )
    model = Gemma2ForCausalLM(config)
    assert not patch_preference_loss(model, objective="dpo", beta=0.1, chunk=0)


def test_the_reference_is_the_model_before_training_whatever_the_batch(
    tiny: Path, run: Run
) -> None:
    from transformers import AutoModelForCausalLM

    tokenizer = load_tokenizer(tiny)
    pairs: Any = load_pair_set(
        recipe(tiny, method="dpo"), run, tokenizer, progress=SilentProgress()
    ).train
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    patch_preference_loss(model, objective="dpo", beta=0.1, chunk=16)
    scored = []
    for size in (1, 5):
        score_reference(
            model, pairs, pad_id=tokenizer.pad_id, batch=size, progress=SilentProgress()
        )
        scored.append(pairs.reference.clone())
    assert torch.allclose(scored[0], scored[1], atol=1e-2)
    adapted = get_peft_model(model, LoraConfig(r=2, target_modules="all-linear"))
    inputs = pair_collator(tokenizer.pad_id)([pairs[0], pairs[1]])
    assert adapted(**inputs).loss.item() == pytest.approx(math.log(2), abs=1e-3)


def test_both_replies_stand_behind_the_same_prompt(tiny: Path) -> None:
    long = replace(
        with_rejected(1),
        turns=(*(learnable_record(number).last for number in range(4)), learnable_record(1).last),
        rejected=Turn(user="", answer="It is not known. " * 4),
    )
    tokenizer = load_tokenizer(tiny)
    pair = encode_pair(long, R1_THINK, tokenizer, max_tokens=110, over_length="shorten")
    assert pair is not None
    chosen, rejected = pair
    assert chosen.prompt_tokens == rejected.prompt_tokens
    assert chosen.ids[: chosen.prompt_tokens] == rejected.ids[: chosen.prompt_tokens]
    assert len(chosen.ids) <= 110 >= len(rejected.ids)
    assert encode_pair(long, R1_THINK, tokenizer, max_tokens=110, over_length="drop") is None


@pytest.mark.parametrize("objective", ["dpo", "orpo"])
def test_training_learns_to_prefer(tiny: Path, run: Run, objective: str) -> None:
    summary = train(
        recipe(tiny, method=objective, epochs=6, lr=5e-3), run, progress=SilentProgress()
    )
    assert summary.objective == objective
    assert summary.val_accuracy == 1.0
    assert summary.best_eval_loss is not None
    if objective == "dpo":
        # The model begins where its reference stands.
        assert summary.first_loss == pytest.approx(math.log(2), abs=1e-2)
    assert summary.best_eval_loss < summary.first_loss / 2
    evaluations = [entry for entry in read_log(run.train) if entry.eval_loss is not None]
    assert all(entry.accuracy is not None for entry in evaluations)
    assert read_summary(run.train) == summary
    assert (run.adapter / "adapter_config.json").is_file()


def test_accumulated_batches_weigh_as_one_large_batch(tiny: Path, run: Run) -> None:
    losses = []
    for changes in ({"batch": 8, "accumulate": 1}, {"batch": 2, "accumulate": 4}):
        wanted = recipe(tiny, method="dpo", max_steps=3, beta=0.3, **changes)
        train(wanted, run, progress=SilentProgress())
        losses.append([one.loss for one in read_log(run.train) if one.loss is not None])
    assert losses[0] == pytest.approx(losses[1], abs=2e-3)


def test_a_dry_run_scores_no_reference(tiny: Path, run: Run) -> None:
    summary = train(recipe(tiny, method="dpo"), run, progress=SilentProgress(), dry_steps=1)
    assert summary.estimated_seconds is not None
    assert not run.adapter.exists()


def test_rows_without_a_pair_are_counted_and_a_set_without_any_is_refused(
    tiny: Path, run: Run
) -> None:
    path = run.data / "train.jsonl"
    rows = path.read_text(encoding="utf-8").splitlines()
    alone = json.dumps(to_json(learnable_record(99)))
    path.write_text("\n".join([*rows, alone]) + "\n", encoding="utf-8")
    summary = train(recipe(tiny, method="orpo", max_steps=1), run, progress=SilentProgress())
    assert (summary.samples, summary.unpaired) == (16, 1)
    path.write_text(alone + "\n", encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        train(recipe(tiny, method="dpo"), run, progress=SilentProgress())
    for language in ("en", "zh"):
        line = caught.value.localize(language)
        assert "dpo" in line
        assert "chosen" in line
        assert "\n" not in line


def test_pairs_that_are_too_long_say_so(tiny: Path, run: Run) -> None:
    with pytest.raises(RecipeError, match=r"train.max_tokens = 16"):
        train(recipe(tiny, method="dpo", max_tokens=16), run, progress=SilentProgress())


def test_a_base_whose_logits_are_reshaped_is_refused_by_name(
    tiny: Path, run: Run, tmp_path: Path
) -> None:
    vocabulary = load_tokenizer(tiny).size
    config = Gemma2Config(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
    )
    base = tmp_path / "gemma2"
    Gemma2ForCausalLM(config).save_pretrained(base)
    for path in tiny.glob("tokenizer*"):
        (base / path.name).write_bytes(path.read_bytes())
    with pytest.raises(TrainingError, match="reshapes its logits"):
        train(recipe(base, method="dpo"), run, progress=SilentProgress())
