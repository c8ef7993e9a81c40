"""Parts of the page that look at a job again and again, while the rest of it stays."""

from collections.abc import Callable

import streamlit as st


def draw_polled(draw: Callable[..., None], *arguments: object, every_s: float | None) -> None:
    """Draw a part now and again each `every_s` seconds; None: only now.

    Args:
        draw: Draws it.
        arguments: What it is called with.
        every_s: Seconds between two looks.
    """
    # Streamlit gives the part a container of its own and, where it is drawn again while the page is
    # still on its way to the browser, takes it out of the queue and puts it behind what follows it.
    # The browser would find a gap there ("Bad delta path index") and draw no more. In a container
    # of the page's own, which stays in its place, the part is alone.
    with st.container():
        st.fragment(draw, run_every=every_s)(*arguments)
