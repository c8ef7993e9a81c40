"""Checks of replies: the chat format that the model knows, ending, thinking and repetition."""

from collections.abc import Callable, Sequence

from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN
from finetune.diagnose.checks.evidence import Behaviour, Evidence
from finetune.diagnose.checks.findings import Finding, command, join, model_unchecked
from finetune.evaluate.metrics.form import is_looping, is_well_formed
from finetune.model.chat_format import chat_format
from finetune.records import Prediction
from ingest.foundation.messages import COMMA, NO_MESSAGE, Message, join_messages

MIN_GAIN = 0.3
"""Nats per answer token by which another format has to be better: each token a third likelier.

With tiny models a format that was learnt is better than the others by 1.3 to 2.5.
"""

MIN_GAIN_SHARE = 0.1
"""Share of our loss that the gain has to be, too: untrained, losses of 20 vary by 0.5."""

OWN_TEMPLATE = "chat_template"
"""Name of the chat template in the model's own folder among the formats."""

MIN_END_PROBABILITY = 0.1
"""Probability of EOS from which a model knows how to end. It need not be certain: a reference is
one of many good replies. Where EOS was masked in training it is below 0.001."""

MIN_HABIT_SHARE = 0.5
"""Share of replies from which something is the model's habit."""

SOME_REPLIES = 0.2
"""Share of replies from which loops and broken formats are worth a fix."""

QUOTE_CHARACTERS = 40
"""Characters quoted of a reply that loops."""


def check_template(evidence: Evidence) -> Finding:
    """Check that no other chat format predicts the answers clearly better."""
    behaviour = evidence.behaviour
    if behaviour is None:
        return model_unchecked("template", evidence)
    ours = behaviour.fits[0]
    # The folder's own template is often our format in another spelling: that is no rival.
    rivals = [one for one in behaviour.fits[1:] if one.equivalent != ours.format]
    best = min(rivals, key=lambda one: one.nats, default=None)
    # Formats that share their tags are about as likely; the base's own is what it was trained on.
    own_template = next((one for one in rivals if one.format is None and one.equivalent), None)
    if best and own_template and own_template.nats - best.nats <= MIN_GAIN:
        best = own_template
    figures = {one.format or OWN_TEMPLATE: round(one.nats, 4) for one in behaviour.fits}
    listed = ", ".join(f"{name} {nats:.2f}" for name, nats in figures.items())
    losses = Message(" (nats per answer token: {listed})", listed=listed)
    gain = ours.nats - best.nats if best else 0.0
    if behaviour.unknown_marks:
        message = Message(
            "the model has no tokens {marks} of {name}",
            marks=", ".join(behaviour.unknown_marks),
            name=ours.format,
        )
    elif gain > max(MIN_GAIN, MIN_GAIN_SHARE * ours.nats):
        message = Message(
            "the model is spoken to as {name}, and knows another format better", name=ours.format
        )
    else:
        message = Message("no format fits better than {format}", format=ours.format)
        message = join(message, losses)
        return Finding(check="template", state="sound", message=message, figures=figures)
    fix = Message(
        "none of our formats is the base's own: take a base of DeepSeek-R1-Distill-Qwen or "
        "Qwen2.5-Instruct"
    )
    if best and (name := best.format or best.equivalent):
        fix = command("train", f"model.format={name}")
    message = join(message, losses)
    return Finding(check="template", state="wrong", message=message, fix=fix, figures=figures)


def check_ending(evidence: Evidence) -> Finding:
    """Check that the model ends its replies by itself."""
    behaviour = evidence.behaviour
    if behaviour is None or behaviour.ending is None:
        return model_unchecked("ending", evidence)
    end, stopped = behaviour.ending, _share_of_replies(behaviour, lambda one: one.stopped)
    figures = {"probability": round(end.probability, 6), "stop_rate": round(stopped, 4)}
    message = Message(
        "{mark} has a probability of {probability:.2g} where references end, and "
        "{stopped:.0%} of {replie_count} {replie_count:?reply ends by itself|replies end "
        "by themselves}",
        mark=end.mark,
        probability=end.probability,
        stopped=stopped,
        replie_count=len(behaviour.replies),
    )
    # A reply that loops does not end either, but for another reason (check_repetition).
    endless = _share_of_replies(behaviour, lambda one: not one.stopped and not is_looping(one.text))
    if end.probability < MIN_END_PROBABILITY and stopped < MIN_HABIT_SHARE:
        other_eos = Message(
            "; this base ends replies with another token, an Instruct model fits better"
        )
        fix = join(
            Message(
                "EOS was not learnt (some tools mask it when PAD is EOS); here every target ends "
                "in it: "
            ),
            _train_more(evidence),
            other_eos if end.eos != end.mark else NO_MESSAGE,
        )
    elif endless >= MIN_HABIT_SHARE:
        # It knows how to end, so its replies are longer than the limit of the evaluation.
        limit = 2 * evidence.recipe.evaluate.max_new_tokens
        fix = command("evaluate", f"evaluate.max_new_tokens={limit}")
    else:
        return Finding(check="ending", state="sound", message=message, figures=figures)
    return Finding(check="ending", state="wrong", message=message, fix=fix, figures=figures)


def _train_more(evidence: Evidence) -> Message:
    """Return the command that trains a base at all, and a tuned model for longer."""
    if evidence.model == "base":
        return command("train")
    return command("train", f"train.epochs={2 * evidence.recipe.train.epochs:g}")


def check_thinking(evidence: Evidence) -> Finding:
    """Check that replies keep to the format: think tags where they belong, and an answer."""
    behaviour = evidence.behaviour
    if behaviour is None or not behaviour.replies:
        return model_unchecked("thinking", evidence)
    thinks = chat_format(evidence.recipe.model.format).thinks
    broken = [one for one in behaviour.replies if not is_well_formed(one, thinks=thinks)]
    share = len(broken) / len(behaviour.replies)
    tags = [max(one.text.count(THINK_OPEN), one.text.count(THINK_CLOSE)) for one in broken]
    # One reply may be broken in several ways.
    kinds = {
        "unclosed": sum(_is_unclosed(one) for one in broken) if thinks else 0,
        "several": sum(count > 1 for count in tags) if thinks else 0,
        "tagged": 0 if thinks else sum(count > 0 for count in tags),
        "no_answer": sum(not one.answer.strip() for one in broken),
    }
    listed = [
        Message("{kind} {count}", kind=_KINDS[name], count=count)
        for name, count in kinds.items()
        if count
    ]
    message = Message(
        "{broken} of {replies} {replies:?reply breaks|replies break} the format{kinds}",
        broken=len(broken),
        replies=len(behaviour.replies),
        kinds=Message(" ({kinds})", kinds=join_messages(listed, COMMA)) if listed else NO_MESSAGE,
    )
    figures = {"format_rate": round(1 - share, 4), **kinds}
    if share < SOME_REPLIES:
        return Finding(check="thinking", state="sound", message=message, figures=figures)
    fix = thinking_fix(evidence, behaviour, broken)
    return Finding(check="thinking", state="wrong", message=message, fix=fix, figures=figures)


_KINDS = {
    "unclosed": Message("without </think>:"),
    "several": Message("with several tags:"),
    "tagged": Message("thinking unasked:"),
    "no_answer": Message("without an answer:"),
}


def _is_unclosed(reply: Prediction) -> bool:
    return THINK_CLOSE not in reply.text


def thinking_fix(evidence: Evidence, behaviour: Behaviour, broken: Sequence[Prediction]) -> Message:
    """Return the next change: the format, the limit, or more training."""
    fmt = evidence.recipe.model.format
    # Formats come in pairs: r1-think and r1-direct, qwen3-think and qwen3-direct.
    if fmt.endswith("-direct") and any(THINK_CLOSE in one.text for one in broken):
        reason = Message("it thinks anyway: ")
        return join(reason, command("train", f"model.format={fmt.replace('direct', 'think')}"))
    if not chat_format(fmt).thinks:
        return _train_more(evidence)
    if not behaviour.thinking_share:
        # Nothing in the data shows how to think: no training in this format teaches it.
        reason = Message("no record has a thought: ")
        return join(reason, command("train", f"model.format={fmt.replace('think', 'direct')}"))
    if all(_is_unclosed(one) and not one.stopped and not is_looping(one.text) for one in broken):
        reason = Message("they were cut while thinking: ")
        limit = 2 * evidence.recipe.evaluate.max_new_tokens
        return join(reason, command("evaluate", f"evaluate.max_new_tokens={limit}"))
    reason = Message("every target here has one </think>: ")
    return join(reason, _train_more(evidence))


def check_repetition(evidence: Evidence) -> Finding:
    """Check that replies do not end in a loop."""
    behaviour = evidence.behaviour
    if behaviour is None or not behaviour.replies:
        return model_unchecked("repetition", evidence)
    looping = [one for one in behaviour.replies if is_looping(one.text)]
    share = len(looping) / len(behaviour.replies)
    figures = {
        "loop_rate": round(share, 4),
        "looping_references": round(behaviour.looping_share, 4),
    }
    message = Message(
        "{looping_count} of {replie_count} {replie_count:?reply ends|replies end} in a loop",
        looping_count=len(looping),
        replie_count=len(behaviour.replies),
    )
    if share < SOME_REPLIES:
        return Finding(check="repetition", state="sound", message=message, figures=figures)
    quote = " ".join(looping[0].text[-QUOTE_CHARACTERS:].split())
    message = join(message, Message(' ("…{quote}")', quote=quote))
    if behaviour.looping_share >= SOME_REPLIES:
        # The model does what it was taught.
        fix = join(
            Message("so do the references: fix the rows, then "),
            command("prepare --force", "data.dedupe=near"),
        )
    else:
        # The probe decodes greedily, which R1's model card advises against for this very reason.
        fix = join(
            Message("R1 loops when greedy, DeepSeek advises 0.6: "),
            command("evaluate", "evaluate.temperature=0.6"),
            Message("; if it stays: "),
            command("train", "data.dedupe=near"),
        )
    return Finding(check="repetition", state="wrong", message=message, fix=fix, figures=figures)


def _share_of_replies(behaviour: Behaviour, holds: Callable[[Prediction], bool]) -> float:
    replies = behaviour.replies
    return sum(map(holds, replies)) / len(replies) if replies else 0.0
