"""What `assistant doctor` finds, as a page: each part, its state, and what to do."""

import re

import streamlit as st

from assistant.cli.doctor import examine
from assistant.cli.health import HealthCheck, State, part_name
from assistant.settings import load_settings
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Language
from ui import labels
from ui.markup.safe_markdown import escape_markdown, escape_message, escape_settings_error
from ui.model_state import draw_pull, draw_pull_button
from ui.page_terms import begin_sentence, in_page_terms
from ui.service import AssistantService

FOUND = "health-found"
"""What was found last, in the session's state."""

PULL = re.compile(r"(?:run:? )?ollama pull (?P<name>\S+)")
"""The command that a button of the page stands for."""

MARKS: dict[State, str] = {
    "ok": ":material/check_circle:",
    "warn": ":material/warning:",
    "fail": ":material/error:",
}


def draw_health(service: AssistantService, language: Language) -> None:
    """Draw the page; looking takes seconds, and is done when it is asked for."""
    st.title(labels.HEALTH.localize(language), anchor=False)
    st.markdown(labels.HEALTH_INTRODUCTION.localize(language))
    if st.button(labels.CHECK_NOW.localize(language), key="check-now"):
        try:
            settings = load_settings()
            with st.spinner(labels.CHECKING.localize(language)):
                st.session_state[FOUND] = service.run(examine(settings))
        except SettingsError as error:
            st.session_state[FOUND] = []
            st.error(escape_settings_error(error, language))
    checks: list[HealthCheck] = st.session_state.get(FOUND, [])
    for check in checks:
        named = begin_sentence(part_name(check.part).localize(language), language)
        found = escape_message(check.found, language)
        st.markdown(f"{MARKS[check.state]} **{escape_markdown(named)}** · {found}")
        if pulled := PULL.fullmatch(check.fix.localize("en")):
            draw_pull_button(service, pulled["name"], language)
        elif check.fix:
            fix = in_page_terms(check.fix).localize(language)
            st.caption(escape_markdown(begin_sentence(fix, language)))
    draw_pull(service, language)
