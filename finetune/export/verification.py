"""What an Ollama server made of a model, held against what was trained."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import ollama

from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN
from finetune.errors import ExportError
from finetune.export.modelfile import ServedAs
from finetune.model.chat_format import render_prompt
from finetune.recipe import Recipe
from finetune.records import Turn
from finetune.runs import Run
from ingest.foundation.messages import Message
from ingest.foundation.server_urls import is_loopback

TIMEOUT_S = 600.0
"""Of one answer: the first one loads the model."""

QUESTION = "What should I check before take-off?"
HISTORY = (Turn(user="你好 { } \n two  spaces", answer="您好。", think="greet"),)
SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationCheck:
    """One thing looked at. `passed` None: this server does not tell."""

    name: str
    passed: bool | None
    found: str = ""


def verify_model(
    library: ollama.Client, url: str, model: ServedAs, recipe: Recipe, run: Run
) -> tuple[VerificationCheck, ...]:
    """Ask the server what it knows of the model, and the model one question.

    Raises:
        ExportError: something is not as it was trained, or the server stopped answering.
    """
    try:
        checks = tuple(_checks(library, url, model, recipe, run))
    except (ConnectionError, httpx.HTTPError, ollama.ResponseError, ValueError) as error:
        said = " ".join(str(error).split())[:SHOWN]
        raise ExportError(
            Message("Ollama has {name}, but asking it failed", name=model.name),
            hint=Message("{said}; see Ollama's log", said=said),
        ) from error
    failed = next((check for check in checks if check.passed is False), None)
    if failed is not None:
        raise ExportError(
            Message(
                "{name} in Ollama fails the check of its {check}: {found}",
                name=model.name,
                check=failed.name,
                found=failed.found,
            ),
            hint=Message("update Ollama, or run: python -m finetune diagnose RECIPE"),
        )
    return checks


def _checks(
    library: ollama.Client, url: str, model: ServedAs, recipe: Recipe, run: Run
) -> Iterator[VerificationCheck]:
    shown = library.show(model.name)
    abilities = shown.capabilities
    if model.chat.thinks:
        able = None if abilities is None else "thinking" in abilities
        yield VerificationCheck(name="capabilities", passed=able, found=", ".join(abilities or ()))
    template = (shown.template or "").strip()
    same = template == model.chat.ollama_template.strip()
    yield VerificationCheck(name="template", passed=same, found=template[:SHOWN])
    yield _parameters(shown.parameters or "", model)
    yield from _prompts(url, model)
    yield from _answer(library, model, recipe, run)


def _parameters(told: str, model: ServedAs) -> VerificationCheck:
    """Compare with what /api/show lists, a line each: `stop    "<｜User｜>"`."""
    found: dict[str, set[str]] = {}
    for line in told.splitlines():
        name, _, value = line.strip().partition(" ")
        found.setdefault(name, set()).add(value.strip().strip('"'))
    for name, value in model.parameters.items():
        wanted = {str(one) for one in (value if isinstance(value, list) else [value])}
        got = found.get(name, set())
        if wanted != got and not _same_numbers(wanted, got):
            shown = f"{name} {', '.join(sorted(got)) or '-'}"[:SHOWN]
            return VerificationCheck(name="parameters", passed=False, found=shown)
    return VerificationCheck(name="parameters", passed=True)


def _same_numbers(wanted: set[str], got: set[str]) -> bool:
    try:
        return {float(one) for one in wanted} == {float(one) for one in got}
    except ValueError:
        return False


def _prompts(url: str, model: ServedAs) -> Iterator[VerificationCheck]:
    """Compare prompts as the server writes them with ours, BOS aside: the engine adds it."""
    history: list[dict[str, Any]] = [
        message
        for turn in HISTORY
        for message in (
            {"role": "user", "content": turn.user},
            {"role": "assistant", "content": turn.answer, "thinking": turn.think},
        )
    ]
    cases: tuple[tuple[tuple[Turn, ...], list[dict[str, Any]], str], ...]
    cases = (((), [], ""), (HISTORY, history, ""), (HISTORY, history, "Be brief."))
    thinking = (True, False) if model.chat.thinks else (None,)
    with httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=not is_loopback(url)) as client:
        for turns, messages, system in cases:
            for think in thinking:
                begun = [{"role": "system", "content": system}] if system else []
                asked = [*begun, *messages, {"role": "user", "content": QUESTION}]
                found = _rendered(client, model.name, asked, think)
                if found is None:
                    yield VerificationCheck(name="prompt", passed=None)
                    return
                ours = render_prompt(
                    model.chat,
                    system=system or model.system,
                    history=turns,
                    user=QUESTION,
                    think=think is not False,
                ).removeprefix(model.chat.bos)
                if found.removeprefix(model.chat.bos) != ours:
                    yield VerificationCheck(name="prompt", passed=False, found=repr(found)[:SHOWN])
                    return
    yield VerificationCheck(name="prompt", passed=True)


def _rendered(
    client: httpx.Client, name: str, messages: list[dict[str, Any]], think: bool | None
) -> str | None:
    """Return the prompt that the server would give the model, None if it does not tell.

    A server that does not know the field answers; with one token, that costs little.
    """
    body = {
        "model": name,
        "messages": messages,
        "stream": False,
        "options": {"num_predict": 1},
        "_debug_render_only": True,
        **({} if think is None else {"think": think}),
    }
    answer = client.post("/api/chat", json=body).raise_for_status().json()
    told = answer.get("_debug_info") if isinstance(answer, dict) else None
    return str(told["rendered_template"]) if told and "rendered_template" in told else None


def _answer(
    library: ollama.Client, model: ServedAs, recipe: Recipe, run: Run
) -> Iterator[VerificationCheck]:
    """Ask one question, greedily: the answer must be there, end, and hold none of our marks."""
    reply = library.chat(
        model.name,
        [{"role": "user", "content": _question(recipe, run)}],
        options={"temperature": 0, "num_predict": recipe.evaluate.max_new_tokens},
        think=True if model.chat.thinks else None,
    )
    content, thinking = reply.message.content or "", reply.message.thinking or ""
    yield VerificationCheck(
        name="answer", passed=bool(content.strip()), found=(content or thinking)[:SHOWN]
    )
    yield VerificationCheck(
        name="end", passed=reply.done_reason == "stop", found=reply.done_reason or "-"
    )
    marks = {*model.chat.controls, THINK_OPEN, THINK_CLOSE}
    leaked = sorted(mark for mark in marks if mark in content or mark in thinking)
    yield VerificationCheck(name="marks", passed=not leaked, found=" ".join(leaked))


def _question(recipe: Recipe, run: Run) -> str:
    """Return a question that the model was not trained on, of its own domain."""
    if not (run.data / f"{recipe.evaluate.split}.jsonl").is_file():
        return QUESTION
    record = next(run.records(recipe.evaluate.split), None)
    return record.last.user if record else QUESTION
