"""What an Ollama server made of a model, compared with what was trained."""

from dataclasses import dataclass

from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN
from finetune.errors import ExportError
from finetune.export.modelfile import ModelSpec
from finetune.model.chat_format import render_prompt
from finetune.recipe import Recipe
from finetune.records import Turn
from finetune.runs import Run
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.model_servers.base import (
    ChatPiece,
    ChatRequest,
    ModelServerError,
    run_exchange,
    whole_reply,
)
from ingest.model_servers.ollama import OllamaClient

QUESTION = "What should I check before take-off?"
HISTORY = (Turn(user="你好 { } \n two  spaces", answer="您好。", think="greet"),)
"""White space and braces are what a template language most easily loses."""

SHOWN_CHARACTERS = 120
"""Characters shown of what was found in place of what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationCheck:
    """One thing compared. `passed` None: this server does not show it."""

    name: str
    passed: bool | None
    found: str = ""
    cause: Message = NO_MESSAGE
    """What it means that it failed, in words."""
    hint: Message = NO_MESSAGE
    """What to do about that."""


def verify_model(
    client: OllamaClient, spec: ModelSpec, recipe: Recipe, run: Run
) -> tuple[VerificationCheck, ...]:
    """Compare what the server knows of the model, and ask the model one question.

    Raises:
        ExportError: something is not as it was trained, or the server stopped answering.
    """
    try:
        checks = run_exchange(client, _run_checks(client, spec, recipe, run))
    except ModelServerError as error:
        raise ExportError(
            Message("Ollama has {name}, but asking it failed", name=spec.name),
            hint=Message("{reason}; see Ollama's log", reason=error.detail or error.kind),
        ) from error
    failed = next((check for check in checks if check.passed is False), None)
    if failed is not None:
        raise ExportError(
            Message("{name} is in Ollama, but {cause}", name=spec.name, cause=failed.cause),
            hint=failed.hint,
        )
    return tuple(checks)


async def _run_checks(
    client: OllamaClient, spec: ModelSpec, recipe: Recipe, run: Run
) -> list[VerificationCheck]:
    """Return the checks of a model in Ollama: what the server knows of it, and one real reply."""
    checks: list[VerificationCheck] = []
    details = await client.show(spec.name)
    abilities = details.capabilities
    if spec.fmt.thinks:
        able = None if abilities is None else "thinking" in abilities
        found = ", ".join(abilities or ())
        checks.append(
            VerificationCheck(
                name="capabilities",
                passed=able,
                found=found,
                cause=Message("it does not see that the model can think"),
                hint=Message("it is too old for that: update Ollama, then export again"),
            )
        )
        if able is False:
            return checks  # the server would refuse the question below
    checks += [
        check_template(details.template, spec),
        check_parameters(details.parameters, spec),
        await check_prompts(client, spec),
    ]

    # Of the model's own domain, but not trained on, where the run's data are still there.
    question = QUESTION
    if (run.data / f"{recipe.evaluate.split}.jsonl").is_file():
        record = next(run.records(recipe.evaluate.split), None)
        question = record.last.user if record else QUESTION
    request = ChatRequest(
        model=spec.name,
        messages=[{"role": "user", "content": question}],
        temperature=0,  # greedy: a second export of the same weights finds the same
        reply_tokens=recipe.evaluate.max_new_tokens,
        think=True if spec.fmt.thinks else None,
    )
    reply = await whole_reply(client.chat(request))
    return [*checks, *check_reply(reply, spec, limit=recipe.evaluate.max_new_tokens)]


def check_reply(reply: ChatPiece, spec: ModelSpec, *, limit: int) -> list[VerificationCheck]:
    """Return whether the model answers, ends by itself, and writes no marks; `limit` in tokens."""
    marks = {*spec.fmt.controls, THINK_OPEN, THINK_CLOSE}
    leaked = sorted(mark for mark in marks if mark in reply.content or mark in reply.thinking)
    answered, ended = bool(reply.content.strip()), reply.done_reason == "stop"
    longer = Message(
        "give it more room: --set evaluate.max_new_tokens={more}; or see why it does not stop: "
        "python -m finetune diagnose RECIPE",
        more=2 * limit,
    )
    diagnose = Message("find the cause: python -m finetune diagnose RECIPE")
    # What cut a reply short is named first: an answer that never began was cut in its thought.
    if reply.thinking and not answered:
        cause = Message("its reply ends inside its thought, with no answer")
        if not ended:
            cause = Message(
                "its reply was cut at {limit} {limit:?token|tokens}, inside its thought",
                limit=limit,
            )
    else:
        cause = Message("it answers a question with nothing")
    return [
        VerificationCheck(
            name="answer",
            passed=answered,
            found=(reply.content or reply.thinking)[:SHOWN_CHARACTERS],
            cause=cause,
            hint=diagnose if ended else longer,
        ),
        VerificationCheck(
            name="end",
            passed=ended,
            found=reply.done_reason,
            cause=Message("its reply was cut at {limit} {limit:?token|tokens}", limit=limit),
            hint=longer,
        ),
        VerificationCheck(
            name="marks",
            passed=not leaked,
            found=" ".join(leaked),
            cause=Message("it writes {marks} into its answer", marks=" ".join(leaked)),
            hint=diagnose,
        ),
    ]


def check_template(found: str, spec: ModelSpec) -> VerificationCheck:
    """Compare the TEMPLATE that the server has with the one that it was given."""
    wanted, got = spec.fmt.ollama_template.strip(), found.strip()
    at = next((n for n, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b), len(got))
    return VerificationCheck(
        name="template",
        passed=wanted == got,
        found=got[:SHOWN_CHARACTERS],
        cause=Message(
            "its template differs from ours at character {place}: {found}",
            place=at + 1,
            found=repr(got[at : at + SHOWN_CHARACTERS]),
        ),
        hint=Message(
            "run: ollama rm {name}, then export again; questions would be put in another form than "
            "in training",
            name=spec.name,
        ),
    )


def check_parameters(listed: str, spec: ModelSpec) -> VerificationCheck:
    """Compare with what /api/show lists, one a line: `stop    "<｜User｜>"`."""
    found: dict[str, set[str]] = {}
    for line in listed.splitlines():
        name, _, value = line.strip().partition(" ")
        found.setdefault(name, set()).add(value.strip().strip('"'))
    for name, value in spec.parameters.items():
        wanted = {str(one) for one in (value if isinstance(value, list) else [value])}
        got = found.get(name, set())
        if numbers_or_words(wanted) != numbers_or_words(got):
            shown = f"{name} {', '.join(sorted(got)) or '-'}"[:SHOWN_CHARACTERS]
            return VerificationCheck(
                name="parameters",
                passed=False,
                found=shown,
                cause=Message("its parameters differ from ours: {found}", found=shown),
                hint=Message("run: ollama rm {name}, then export again", name=spec.name),
            )
    return VerificationCheck(name="parameters", passed=True)


def numbers_or_words(values: set[str]) -> set[float] | set[str]:
    """Return values as they are compared: Go writes 0.60 as 0.6, and 8192.0 as 8192."""
    try:
        return {float(value) for value in values}
    except ValueError:
        return values


async def check_prompts(client: OllamaClient, spec: ModelSpec) -> VerificationCheck:
    """Compare prompts as the server writes them with ours."""
    history = [
        message
        for turn in HISTORY
        for message in (
            {"role": "user", "content": turn.user},
            {"role": "assistant", "content": turn.answer, "thinking": turn.think},
        )
    ]
    cases: tuple[tuple[tuple[Turn, ...], list[dict[str, str]], str], ...]
    cases = (((), [], ""), (HISTORY, history, ""), (HISTORY, history, "Be brief."))
    thinking = (True, False) if spec.fmt.thinks else (None,)
    for turns, messages, system in cases:
        opening = [{"role": "system", "content": system}] if system else []
        for think in thinking:
            request = ChatRequest(
                model=spec.name,
                messages=[*opening, *messages, {"role": "user", "content": QUESTION}],
                reply_tokens=1,
                think=think,
            )
            found = await client.render_prompt(request)
            if found is None:
                return VerificationCheck(name="prompt", passed=None)
            ours = render_prompt(
                spec.fmt,
                system=system or spec.system,
                history=turns,
                user=QUESTION,
                think=think is not False,
            )
            # BOS aside: the engine adds it, whether the template does or not.
            if found.removeprefix(spec.fmt.bos) != ours.removeprefix(spec.fmt.bos):
                shown_prompt = repr(found)[:SHOWN_CHARACTERS]
                return VerificationCheck(
                    name="prompt",
                    passed=False,
                    found=shown_prompt,
                    cause=Message(
                        "it writes prompts otherwise than we do: {found}", found=shown_prompt
                    ),
                    hint=Message(
                        "it may take the template in the file for its own: update Ollama, then "
                        "export again"
                    ),
                )
    return VerificationCheck(name="prompt", passed=True)
