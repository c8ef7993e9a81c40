"""Passages without what a page says to a model: before evidence, prompt, check and reader."""

from dataclasses import replace

from assistant.values import Passage
from ingest.text.orders import addresses_a_model, blank_orders
from ingest.web.urls import host_of


def without_orders(passage: Passage) -> Passage:
    """Return the passage with spaces for paragraphs that speak to a model; places stay the same.

    A title that does gives way to the host, a heading to nothing: both are in prompts, in
    evidence and among the sources. What is gone here can neither be obeyed nor be cited: a
    sentence that repeats an order is supported by no passage.
    """
    title = passage.title
    return replace(
        passage,
        title=(host_of(passage.url) or passage.url) if addresses_a_model(title) else title,
        heading="" if addresses_a_model(passage.heading) else passage.heading,
        text=blank_orders(passage.text),
    )
