"""Formulas in LaTeX as MathML, which browsers draw themselves."""

import html
from typing import Any
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

MAX_FORMULA_CHARACTERS = 2_000
"""Characters; the converter's time grows faster than its input."""


def formula_node(source_text: str, *, display: bool, source: str) -> str | list[Any]:
    """Return the node of a formula; what cannot be read is shown as it was written.

    Args:
        source_text: LaTeX, without the signs around it.
        display: Whether it stands on a line of its own.
        source: The same with the signs around it.
    """
    if len(source_text) > MAX_FORMULA_CHARACTERS:
        return ["code", None, source]
    try:
        element = convert_to_element(source_text.strip(), display="block" if display else "inline")
    except Exception:  # noqa: BLE001  any: a half-written formula is input as strange as any other
        return ["code", None, source]
    node = _node(element)
    attributes = node[1] or {}
    # For those who copy it, and for screen readers.
    return [node[0], {**attributes, "alt": source_text.strip()}, *node[2:]]


def _node(element: Element) -> list[Any]:
    """Return an element of MathML as a node; the page knows which names it may make."""
    kept = {
        name: value
        for name, value in element.attrib.items()
        if name in {"display", "stretchy", "columnalign", "mathvariant", "accent", "movablelimits"}
    }
    # The converter writes entities, for a file; text is what we want.
    children: list[Any] = [html.unescape(element.text)] if element.text else []
    return [f"m:{element.tag}", kept or None, *children, *[_node(child) for child in element]]
