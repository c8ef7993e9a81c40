"""Whether a model answers, before the first question; and the button that brings one."""

import streamlit as st

from assistant.settings import load_settings
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language, Message
from ui import labels
from ui.jobs.model_pull import ModelPull
from ui.jobs.polling import draw_polled
from ui.markup.safe_markdown import (
    escape_error,
    escape_markdown,
    escape_message,
    escape_settings_error,
)
from ui.service import AssistantService

MODEL_POLL_S = 2.0
"""Seconds between two looks at what is known of the model, while the page is empty."""
SEEN_PULL = "seen-pull"
"""The pull whose end the page has seen, in the session's state."""
PULL_POLL_S = 0.5
"""Seconds between two looks at a model that is being pulled."""


def draw_model_state(service: AssistantService, language: Language) -> None:
    """Say that no model is here, what that means, and bring it with a button."""
    # Asked before it is drawn: whether a model is known to be here decides whether to look again.
    is_here = service.jobs.knows_model and service.jobs.missing_model is None
    poll_s = None if is_here else MODEL_POLL_S
    draw_polled(draw_missing_model, service, language, every_s=poll_s)
    draw_pull(service, language)


def draw_missing_model(service: AssistantService, language: Language) -> None:
    """Say it, once it is known; first of all that the settings cannot be read."""
    try:
        load_settings()
    except QiuzhengError as error:
        st.error(escape_settings_error(error, language))
        return
    missing = service.jobs.missing_model
    if missing is None:
        return
    st.info(escape_message(missing.text, language), icon=":material/info:")
    if missing.name:
        draw_pull_button(service, missing.name, language)


def draw_pull_button(service: AssistantService, name: str, language: Language) -> None:
    """Draw the button that pulls a model; it can be pressed while none is on its way."""
    pull = service.jobs.pull

    if not st.button(
        escape_message(Message("Pull {name}", name=name), language),
        key=f"pull-{name}",
        icon=":material/download:",
        disabled=pull is not None and not pull.is_over,
    ):
        return
    try:
        service.jobs.start_pull(load_settings(), name)
    except QiuzhengError as error:
        st.error(escape_error(error, language))
    else:
        # With the whole page: how far it is stands outside of this fragment.
        st.rerun()


def draw_pull(service: AssistantService, language: Language) -> None:
    """Draw how far the model has come that is being pulled."""
    pull = service.jobs.pull
    if pull is not None:
        # Polling for ever would draw the page's lists again while they are open.
        poll_s = None if pull.is_over else PULL_POLL_S
        draw_polled(draw_pull_state, pull, language, every_s=poll_s)


def draw_pull_state(pull: ModelPull, language: Language) -> None:
    """Draw the pull as it is now; once more with the whole page when it has ended."""
    if pull.is_over and st.session_state.get(SEEN_PULL) != id(pull):
        # The list of models was drawn before its end.
        st.session_state[SEEN_PULL] = id(pull)
        st.rerun()
    if pull.error is not None:
        st.error(escape_error(pull.error, language))
    elif pull.is_done:
        st.success(escape_message(Message("{name} is here", name=pull.name), language))
    else:
        left = f" · {labels.time_left(pull.seconds_left).localize(language)}" * (
            pull.seconds_left > 0
        )
        st.progress(pull.share, text=escape_markdown(f"{pull.name}: {pull.status}{left}"))
