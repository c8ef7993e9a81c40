"""The chunked loss equals the loss computed at once."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  torch's own name for it
from transformers import Gemma2Config, Gemma2ForCausalLM, Qwen2Config, Qwen2ForCausalLM

from finetune.model.samples import IGNORED
from finetune.train.loss import patch_target_loss, summed_loss, target_loss

VOCABULARY = 97


def qwen(*, tied: bool = False) -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=tied,
    )
    return Qwen2ForCausalLM(config)


def batch(rows: int, length: int, *, prompt: int, seed: int = 0) -> dict[str, Tensor]:
    """Return random ids; each row's prompt is ignored, and its last tokens are padding."""
    noise = torch.Generator().manual_seed(seed)
    ids = torch.randint(VOCABULARY, (rows, length), generator=noise)
    mask = torch.ones_like(ids)
    labels = ids.clone()
    labels[:, :prompt] = IGNORED
    for row in range(rows):
        end = length - row
        mask[row, end:] = 0
        labels[row, end:] = IGNORED
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {
        name: weight.grad.clone()
        for name, weight in model.named_parameters()
        if weight.grad is not None
    }


@pytest.mark.parametrize("chunk", [0, 1, 5, 1024])
@pytest.mark.parametrize("tied", [False, True])
def test_loss_and_gradient_of_chunks_are_those_of_the_whole(chunk: int, tied: bool) -> None:
    whole, chunked = qwen(tied=tied), qwen(tied=tied)
    assert patch_target_loss(chunked, chunk=chunk)
    inputs = batch(3, 20, prompt=7)
    expected, got = whole(**inputs).loss, chunked(**inputs).loss
    expected.backward()
    got.backward()
    assert got.item() == pytest.approx(expected.item(), abs=1e-6)
    theirs, ours = gradients(whole), gradients(chunked)
    assert ours.keys() == theirs.keys()
    for name, gradient in theirs.items():
        torch.testing.assert_close(ours[name], gradient, atol=1e-6, rtol=1e-4)


def test_batches_of_one_step_add_up_to_the_mean_over_all_their_targets() -> None:
    """Not to the mean of their means: a batch of few targets weighs less."""
    once, twice = qwen(), qwen()
    patch_target_loss(once, chunk=4)
    patch_target_loss(twice, chunk=4)
    long, short = batch(1, 20, prompt=2, seed=1), batch(1, 20, prompt=17, seed=2)
    both = {name: torch.cat((long[name], short[name])) for name in long}
    count = (both["labels"][:, 1:] != IGNORED).sum()
    once(**both).loss.backward()
    for part in (long, short):
        twice(**part, num_items_in_batch=count).loss.backward()
    for name, gradient in gradients(once).items():
        torch.testing.assert_close(gradients(twice)[name], gradient, atol=1e-6, rtol=1e-4)


def test_lora_gets_the_same_gradient_from_chunks() -> None:
    settings = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    models = []
    for chunk in (None, 3):
        model = qwen()
        if chunk:
            patch_target_loss(model, chunk=chunk)
        torch.manual_seed(1)
        models.append(get_peft_model(model, settings))
    whole, chunked = models
    inputs = batch(2, 16, prompt=5)
    for model in models:
        model(**inputs).loss.backward()
    theirs, ours = gradients(whole), gradients(chunked)
    assert ours.keys() == theirs.keys()
    assert all("lora" in name for name in ours)
    for name, gradient in theirs.items():
        torch.testing.assert_close(ours[name], gradient, atol=1e-6, rtol=1e-4)


def test_no_more_logits_than_a_chunk_of_targets_are_held_at_once() -> None:
    model = qwen()
    patch_target_loss(model, chunk=4)
    seen: list[int] = []
    model.lm_head.register_forward_hook(
        lambda head, inputs, logits: seen.append(logits.shape[:-1].numel())
    )
    inputs = batch(3, 20, prompt=9)
    model(**inputs).loss.backward()
    targets = int((inputs["labels"] != IGNORED).sum())
    assert max(seen) == 4
    assert sum(seen) == 2 * targets  # once forward, once for the gradient


@settings(deadline=None, max_examples=40)
@given(
    chosen=st.lists(st.booleans(), min_size=2, max_size=24).filter(lambda row: any(row[1:])),
    chunk=st.integers(0, 30),
    seed=st.integers(0, 99),
)
def test_any_mask_in_any_chunks_gives_the_cross_entropy_of_its_targets(
    chosen: list[bool], chunk: int, seed: int
) -> None:
    noise = torch.Generator().manual_seed(seed)
    head = nn.Linear(8, VOCABULARY)
    hidden = torch.randn(1, len(chosen), 8, generator=noise)
    ids = torch.randint(VOCABULARY, (1, len(chosen)), generator=noise)
    labels = torch.where(torch.tensor([chosen]), ids, IGNORED)
    expected = F.cross_entropy(head(hidden[0, :-1]), labels[0, 1:], ignore_index=IGNORED)
    got = target_loss(hidden, head, labels, chunk=chunk, count=None)
    assert got.item() == pytest.approx(expected.item(), abs=1e-5)


def test_the_loss_of_a_split_does_not_depend_on_its_batches() -> None:
    model = qwen().eval()
    patch_target_loss(model, chunk=8)
    inputs = batch(4, 20, prompt=3)
    rows = [{name: value[row : row + 1] for name, value in inputs.items()} for row in range(4)]
    together, apart = (
        summed_loss(model, batches, device=torch.device("cpu")) for batches in ([inputs], rows)
    )
    torch.testing.assert_close(together, apart, atol=1e-3, rtol=1e-6)
    assert together[1] == (inputs["labels"][:, 1:] != IGNORED).sum()


def test_without_labels_the_logits_are_unchanged() -> None:
    model = qwen().eval()
    ids = torch.arange(6).unsqueeze(0)
    before = model(ids).logits
    patch_target_loss(model, chunk=4)
    torch.testing.assert_close(model(ids).logits, before, atol=0, rtol=0)


def test_a_model_that_reshapes_its_logits_keeps_its_own_loss() -> None:
    torch.manual_seed(0)
    model = Gemma2ForCausalLM(
        Gemma2Config(
            vocab_size=VOCABULARY,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=16,
            final_logit_softcapping=2.0,
        )
    )
    inputs = batch(1, 12, prompt=4)
    before = model(**inputs).loss.item()
    assert not patch_target_loss(model, chunk=4)
    assert model(**inputs).loss.item() == before
