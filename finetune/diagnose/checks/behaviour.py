"""What a model does when it is asked: the format it knows, how replies end, think and repeat."""

from collections.abc import Callable, Sequence

from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN
from finetune.diagnose.checks.evidence import Behaviour, Evidence, FormatFit
from finetune.diagnose.checks.verdicts import Finding, command, join, unseen
from finetune.evaluate.metrics.form import is_looping, is_well_formed
from finetune.model.chat_format import chat_format
from finetune.records import Prediction
from ingest.foundation.messages import COMMA, NO_MESSAGE, Message, join_messages

CLEARLY_BETTER = 0.3
"""Nats per token by which another format must foresee answers better: each a third likelier.

With tiny models a format that was learnt is better than the others by 1.3 to 2.5.
"""

BETTER_SHARE = 0.1
"""Share of our loss that this must be, too: where nothing was learnt, losses of 20 vary by 0.5."""

OWN_TEMPLATE = "chat_template"
"""What the chat template of the model's own folder is called among the formats."""

KNOWN_END = 0.1
"""Probability of EOS from which a model knows how to end: it has not to be certain, a reference is
one of many good replies. Where EOS was masked in training it is below 0.001."""

MANY = 0.5
"""Share of replies from which something is the model's habit."""

SOME = 0.2
"""Share of replies from which loops and broken formats are worth a change."""

LONGEST_QUOTE = 40


def template(evidence: Evidence) -> Finding:
    """A model that foresees the answers clearly better behind prompts of another format."""
    behaviour = evidence.behaviour
    if behaviour is None:
        return unseen("template", evidence)
    ours = behaviour.fits[0]
    rivals = [one for one in behaviour.fits[1:] if one.like != ours.format]
    best = min(rivals, key=lambda one: one.nats, default=None)
    figures = {one.format or OWN_TEMPLATE: round(one.nats, 4) for one in behaviour.fits}
    listed = ", ".join(f"{name} {nats:.2f}" for name, nats in figures.items())
    losses = Message(" (nats per answer token: {listed})", listed=listed)
    if not behaviour.unknown and not _clearly_better(best, ours):
        told = Message("no format fits better than {format}", format=ours.format)
        told = join(told, losses)
        return Finding(cause="template", state="sound", told=told, figures=figures)
    told = join(_mismatch(behaviour), losses)
    change = _format_to_set(best)
    return Finding(cause="template", state="wrong", told=told, change=change, figures=figures)


def _clearly_better(rival: FormatFit | None, ours: FormatFit) -> bool:
    gain = ours.nats - rival.nats if rival else 0.0
    return gain > max(CLEARLY_BETTER, BETTER_SHARE * ours.nats)


def _mismatch(behaviour: Behaviour) -> Message:
    name = behaviour.fits[0].format
    if behaviour.unknown:
        marks = ", ".join(behaviour.unknown)
        return Message("the model has no tokens {marks} of {name}", marks=marks, name=name)
    return Message("the model is spoken to as {name}, and knows another format better", name=name)


def _format_to_set(best: FormatFit | None) -> Message:
    if best and (name := best.format or best.like):
        return command("train", f"model.format={name}")
    return Message(
        "none of our formats is the base's own: take a base of DeepSeek-R1-Distill-Qwen or "
        "Qwen2.5-Instruct"
    )


def ending(evidence: Evidence) -> Finding:
    """A model that does not know when a reply is over."""
    behaviour = evidence.behaviour
    if behaviour is None or behaviour.ending is None:
        return unseen("ending", evidence)
    end, stopped = behaviour.ending, _share(behaviour, lambda one: one.stopped)
    endless = _share(behaviour, lambda one: not one.stopped and not is_looping(one.text))
    figures = {"probability": round(end.probability, 6), "stop_rate": round(stopped, 4)}
    told = Message(
        "{mark} has a probability of {probability:.2g} where references end, and "
        "{stopped:.0%} of {replie_count} replies end by themselves",
        mark=end.mark,
        probability=end.probability,
        stopped=stopped,
        replie_count=len(behaviour.replies),
    )
    if end.probability < KNOWN_END and stopped < MANY:
        change = _taught_to_end(evidence, eos_differs=end.eos != end.mark)
    elif endless >= MANY:
        limit = 2 * evidence.recipe.evaluate.max_new_tokens
        change = command("evaluate", f"evaluate.max_new_tokens={limit}")
    else:
        return Finding(cause="ending", state="sound", told=told, figures=figures)
    return Finding(cause="ending", state="wrong", told=told, change=change, figures=figures)


def _taught_to_end(evidence: Evidence, *, eos_differs: bool) -> Message:
    teach = Message(
        "EOS was not learnt (some tools mask it when PAD is EOS); here every target ends in it: "
    )
    other = Message("; this base ends replies with another token, an Instruct model fits better")
    return join(teach, _more_training(evidence), other if eos_differs else NO_MESSAGE)


def _more_training(evidence: Evidence) -> Message:
    """Return the command that trains a base at all, and a tuned model for longer."""
    if evidence.model == "base":
        return command("train")
    return command("train", f"train.epochs={2 * evidence.recipe.train.epochs:g}")


def thinking(evidence: Evidence) -> Finding:
    """Replies without `</think>`, with several tags, with tags at all, or without an answer."""
    behaviour = evidence.behaviour
    if behaviour is None or not behaviour.replies:
        return unseen("thinking", evidence)
    thinks = chat_format(evidence.recipe.model.format).thinks
    broken = [one for one in behaviour.replies if not is_well_formed(one, thinks=thinks)]
    share = len(broken) / len(behaviour.replies)
    kinds = _kinds(broken, thinks=thinks)
    listed = [
        Message("{kind} {count}", kind=_KINDS[name], count=count)
        for name, count in kinds.items()
        if count
    ]
    told = Message(
        "{broken} of {replies} replies break the format{kinds}",
        broken=len(broken),
        replies=len(behaviour.replies),
        kinds=Message(" ({kinds})", kinds=join_messages(listed, COMMA)) if listed else NO_MESSAGE,
    )
    figures = {"format_rate": round(1 - share, 4), **kinds}
    if share < SOME:
        return Finding(cause="thinking", state="sound", told=told, figures=figures)
    change = _mended_thinking(evidence, behaviour, broken)
    return Finding(cause="thinking", state="wrong", told=told, change=change, figures=figures)


_KINDS = {
    "unclosed": Message("without </think>:"),
    "several": Message("with several tags:"),
    "tagged": Message("thinking unasked:"),
    "no_answer": Message("without an answer:"),
}


def _kinds(broken: Sequence[Prediction], *, thinks: bool) -> dict[str, int]:
    """Return how many replies are broken in which way; one may be in several."""
    tags = [max(one.text.count(THINK_OPEN), one.text.count(THINK_CLOSE)) for one in broken]
    return {
        "unclosed": sum(_unclosed(one) for one in broken) if thinks else 0,
        "several": sum(count > 1 for count in tags) if thinks else 0,
        "tagged": 0 if thinks else sum(count > 0 for count in tags),
        "no_answer": sum(not one.answer.strip() for one in broken),
    }


def _unclosed(reply: Prediction) -> bool:
    return THINK_CLOSE not in reply.text


def _mended_thinking(
    evidence: Evidence, behaviour: Behaviour, broken: Sequence[Prediction]
) -> Message:
    """Return the next change: of the format, of the limit, or more training."""
    fmt = evidence.recipe.model.format
    if fmt == "r1-direct" and any(THINK_CLOSE in one.text for one in broken):
        told = Message("it thinks all the same: ")
        return join(told, command("train", "model.format=r1-think"))
    if not chat_format(fmt).thinks:
        return _more_training(evidence)
    if not behaviour.thoughts:
        told = Message("no record has a thought: ")
        return join(told, command("train", "model.format=r1-direct"))
    if all(_unclosed(one) and not one.stopped and not is_looping(one.text) for one in broken):
        told = Message("they were cut while thinking: ")
        limit = 2 * evidence.recipe.evaluate.max_new_tokens
        return join(told, command("evaluate", f"evaluate.max_new_tokens={limit}"))
    told = Message("every target here has one </think>: ")
    return join(told, _more_training(evidence))


def repetition(evidence: Evidence) -> Finding:
    """Replies that say the same again and again."""
    behaviour = evidence.behaviour
    if behaviour is None or not behaviour.replies:
        return unseen("repetition", evidence)
    looping = [one for one in behaviour.replies if is_looping(one.text)]
    share = len(looping) / len(behaviour.replies)
    figures = {"loop_rate": round(share, 4), "looping_references": round(behaviour.looping, 4)}
    quote = " ".join(looping[0].text[-LONGEST_QUOTE:].split()) if looping else ""
    told = Message(
        "{looping_count} of {replie_count} replies end in a loop",
        looping_count=len(looping),
        replie_count=len(behaviour.replies),
    )
    if share < SOME:
        return Finding(cause="repetition", state="sound", told=told, figures=figures)
    told = join(told, Message(' ("…{quote}")', quote=quote))
    change = _mended_loops(behaviour)
    return Finding(cause="repetition", state="wrong", told=told, change=change, figures=figures)


def _mended_loops(behaviour: Behaviour) -> Message:
    if behaviour.looping >= SOME:
        return join(
            Message("so do the references: mend the rows, then "),
            command("prepare --force", "data.dedupe=near"),
        )
    return join(
        Message("R1 loops when greedy, DeepSeek advises 0.6: "),
        command("evaluate", "evaluate.temperature=0.6"),
        Message("; if it stays: "),
        command("train", "data.dedupe=near"),
    )


def _share(behaviour: Behaviour, holds: Callable[[Prediction], bool]) -> float:
    replies = behaviour.replies
    return sum(map(holds, replies)) / len(replies) if replies else 0.0
