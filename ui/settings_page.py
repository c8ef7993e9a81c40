"""The settings that people change, and the models of the server."""

import itertools
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from streamlit import config

from assistant.errors import ModelError
from assistant.search.registry import ENGINES
from assistant.settings import Settings, load_settings
from ingest.foundation.errors import QiuzhengError, SettingsError
from ingest.foundation.messages import Language, Message, in_brackets
from ingest.model_servers.ollama import ModelDetails
from ui import labels
from ui.markup.safe_markdown import escape_error, escape_markdown, escape_message, escape_notice
from ui.model_state import draw_pull
from ui.page_terms import begin_sentence
from ui.service import AssistantService
from ui.settings_file import (
    file_at_fault,
    is_set_outside,
    name_aside,
    put_file_aside,
    save_settings,
    variable_of,
)

SAVED = "saved"
"""Where the settings were saved, for the next run of the page, in the session's state."""
THEME, SCHEMES = "theme", ("light", "dark")
"""Sections of .streamlit/config.toml, the latter two within the first."""
MAX_NUMBER = 2**53 - 1
"""Beyond it JavaScript's numbers have gaps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One setting on the page."""

    table: str
    key: str
    label: Message

    @property
    def name(self) -> str:
        """Its key in the session's state."""
        return f"set-{self.table}-{self.key}"


CHOICES: tuple[tuple[Message, tuple[Choice, ...]], ...] = (
    (
        Message("Answers"),
        (
            Choice(table="answer", key="language", label=Message("Language of answers")),
            Choice(table="answer", key="unsupported", label=Message("Sentences without a source")),
            Choice(table="answer", key="passages", label=Message("Passages for one answer")),
            Choice(table="model", key="thinking", label=Message("Thinking before the answer")),
            Choice(table="model", key="context_tokens", label=Message("Context of the model")),
        ),
    ),
    (
        Message("Search and pages"),
        (
            Choice(table="search", key="engines", label=Message("Search engines, in order")),
            Choice(table="search", key="limit", label=Message("Pages for one question")),
            Choice(table="crawl", key="deadline", label=Message("Seconds for reading pages")),
            Choice(table="crawl", key="browser", label=Message("Browser for pages of scripts")),
            Choice(table="embed", key="encoder", label=Message("Encoder")),
        ),
    ),
    (
        Message("Page"),
        (Choice(table="page", key="theme", label=Message("Light or dark")),),
    ),
)


def draw_settings(service: AssistantService, language: Language) -> None:
    """Draw the page."""
    st.title(labels.SETTINGS.localize(language), anchor=False)
    try:
        settings = load_settings()
    except SettingsError as error:
        # Nothing can be shown of a file that cannot be read: it says where it is broken.
        st.error(escape_error(error, language))
        draw_way_on(service, language)
        return
    draw_models(service, settings, language)
    for heading, choices in CHOICES:
        st.subheader(heading.localize(language), anchor=False)
        for choice in choices:
            draw_choice(settings, choice, language)
    if st.button(labels.SAVE_SETTINGS.localize(language), key="save-settings"):
        changes = {}
        for choice in itertools.chain.from_iterable(choices for _, choices in CHOICES):
            if not is_set_outside(choice.table, choice.key):
                value = st.session_state[choice.name]
                before = getattr(getattr(settings, choice.table), choice.key)
                is_list = isinstance(before, tuple)
                changes[choice.table, choice.key] = tuple(value) if is_list else type(before)(value)
        _save(service, changes, language)
    if saved := st.session_state.pop(SAVED, None):
        st.success(escape_message(saved, language))


def draw_way_on(service: AssistantService, language: Language) -> None:
    """Draw the button that puts a broken settings file aside."""
    path = file_at_fault()
    if path is None:
        return
    aside = Message("Keep the file as {name}, and go on without it", name=name_aside(path).name)
    if st.button(escape_message(aside, language), key="put-aside"):
        try:
            put_file_aside()
        except SettingsError as error:
            st.error(escape_error(error, language))
        else:
            service.reopen()
            st.rerun()


def draw_models(service: AssistantService, settings: Settings, language: Language) -> None:
    """Draw which models the server has, which one answers, and the way to another one."""
    st.subheader(labels.MODEL.localize(language), anchor=False)
    if not settings.model.asks_ollama and settings.model.provider != "extractive":
        st.caption(escape_markdown(f"{settings.model.name} · {settings.model.host}"))
        return
    try:
        installed = service.jobs.installed_models(settings)
    except QiuzhengError as error:
        st.info(
            f"{escape_notice(error.message, language)}\n\n{labels.START_OLLAMA.localize(language)}"
        )
        installed = []
    current = settings.model.name
    names = sorted({*installed, current})
    chosen_model = st.selectbox(
        labels.MODEL_THAT_ANSWERS.localize(language),
        names,
        index=names.index(current),
        format_func=lambda name: (
            name
            if name in installed or f"{name}:latest" in installed
            else f"{name}{in_brackets(labels.NOT_PULLED).localize(language)}"
        ),
        key="set-model-name",
        disabled=is_set_outside("model", "name"),
    )
    if chosen_model in installed:
        with suppress(ModelError):  # whatever is wrong is said when it is asked a question
            details = service.jobs.model_details(settings, chosen_model)
            if facts := " · ".join(fact.localize(language) for fact in model_facts(details)):
                st.caption(escape_markdown(begin_sentence(facts, language)))
    if chosen_model != current and st.button(labels.USE_MODEL.localize(language), key="use-model"):
        _save(service, {("model", "name"): chosen_model}, language)
    with st.form("pull", border=False):
        wanted_model = st.text_input(
            labels.PULL_NAME.localize(language), value="" if current in installed else current
        )
        if st.form_submit_button(labels.PULL.localize(language)) and wanted_model.strip():
            service.jobs.start_pull(settings, wanted_model.strip())
    draw_pull(service, language)


def model_facts(details: ModelDetails) -> list[Message]:
    """Return what helps to choose a model: its size, whether it thinks, and how much it reads."""
    facts = []
    if details.parameters_count is not None:
        billions = f"{details.parameters_count / 1e9:.1f}"
        facts.append(Message("{billions} billion parameters", billions=billions))
    if details.capabilities is not None:
        is_thinking = "thinking" in details.capabilities
        facts.append(Message("thinks first") if is_thinking else Message("answers at once"))
    if details.context_tokens is not None:
        tokens = f"{details.context_tokens:,}"
        facts.append(Message("reads up to {tokens} tokens", tokens=tokens))
    return facts


def draw_choice(settings: Settings, choice: Choice, language: Language) -> None:
    """Draw one setting by the type of its field."""
    table = getattr(settings, choice.table)
    field = type(table).model_fields[choice.key]
    value = getattr(table, choice.key)
    outside = is_set_outside(choice.table, choice.key)
    note = labels.SET_OUTSIDE.localize(language)
    common: dict[str, Any] = {
        "label": choice.label.localize(language),
        "key": choice.name,
        "disabled": outside,
        "help": f"`{choice.table}.{choice.key}`"
        + (f" · {note} `{variable_of(choice.table, choice.key)}`" if outside else ""),
    }
    if isinstance(value, tuple):
        known_engines = [*value, *(name for name in ENGINES if name not in value)]
        st.multiselect(options=known_engines, default=list(value), **common)
    elif options := _options(field.annotation):
        st.selectbox(
            options=options,
            index=options.index(value),
            format_func=lambda one: labels.OPTION_NAMES.get(one, Message.verbatim(one)).localize(
                language
            ),
            **common,
        )
    elif isinstance(value, bool):
        st.toggle(value=value, **common)
    elif abs(value) > MAX_NUMBER:
        # A browser cannot hold it; the file can.
        st.text_input(value=str(value), **(common | {"disabled": True}))
    else:
        st.number_input(value=value, min_value=type(value)(0), **common)


def _options(annotation: object) -> list[str]:
    """Return the values of a `Literal`, also of one within another."""
    if get_origin(annotation) is not Literal:
        return []
    return [value for value in get_args(annotation) if isinstance(value, str)]


def _save(service: AssistantService, changes: Any, language: Language) -> None:
    try:
        path = save_settings(changes)
    except SettingsError as error:
        st.error(escape_error(error, language))
        return
    service.reopen()
    saved = Message("Saved in {path}; the next question uses it.", path=path)
    if apply_theme():
        # Browsers are told of it when the next run begins.
        st.session_state[SAVED] = saved
        st.rerun()
    st.success(escape_message(saved, language))


@cache
def _configured_colours() -> dict[str, dict[str, Any]]:
    """Return the options of .streamlit/config.toml for both schemes, and for each."""
    # Once, before the first `apply_theme`: it sets other values in their place.
    sections = (THEME, *(f"{THEME}.{scheme}" for scheme in SCHEMES))
    return {name: config.get_options_for_section(name) for name in sections}


def apply_theme() -> bool:
    """Have the browsers draw the theme of the settings; return whether it was another one before.

    Settings that cannot be read change nothing.
    """
    try:
        theme = load_settings().page.theme
    except SettingsError:
        return False
    wanted = {name: dict(options) for name, options in _configured_colours().items()}
    if theme != "system":
        # A browser that is told colours of both schemes takes the computer's: it is told of one.
        wanted[THEME]["base"] = theme
        chosen = wanted[f"{THEME}.{theme}"].items()
        wanted[THEME] |= {name: value for name, value in chosen if value is not None}
        for scheme in SCHEMES:
            wanted[f"{THEME}.{scheme}"] = dict.fromkeys(wanted[f"{THEME}.{scheme}"])
    is_changed = False
    for section, options in wanted.items():
        for name, value in options.items():
            key = f"{section}.{name}"
            if config.get_option(key) != value:
                config.set_option(key, value)
                is_changed = True
    return is_changed
