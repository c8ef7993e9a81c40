"""Puts the label of each tab above the panel that it opens: "apt", "Docker", and their commands.

A reader sees the labels of all and one panel; read one after the other, the panels need them.
"""

import itertools

from lxml import etree

from ingest.extract.dom import text_of

MAX_STRIPS = 50
MAX_LABEL = 60  # characters
MAX_LEVELS = 3  # elements around a strip of labels in which its panels are looked for

_STRIPS = tuple(
    tuple(map(etree.XPath, paths))
    for paths in (
        ("//*[@role='tablist']", ".//*[@role='tab']", ".//*[@role='tabpanel']"),
        (
            "//*[contains(@class, 'tabbed-labels')]",
            "./label",
            "./*[contains(@class, 'tabbed-content')]/*[contains(@class, 'tabbed-block')]",
        ),
        (
            "//*[contains(@class, 'vp-code-group')]/*[contains(@class, 'tabs')]",
            "./label",
            "./*[contains(@class, 'blocks')]/*",
        ),
    )
)
"""Where strips of tabs are, their labels in them, and the panels in what is around them: WAI-ARIA,
Material for MkDocs, VitePress."""


def label_panels(root: etree._Element) -> None:
    """Write the label of each tab above its panel, in place, and take the strip of labels out."""
    for find_strips, find_labels, find_panels in _STRIPS:
        for strip in find_strips(root)[:MAX_STRIPS]:
            labels = [" ".join(text_of(label).split()) for label in find_labels(strip)]
            around = itertools.islice(strip.iterancestors(), MAX_LEVELS)
            panels: list[etree._Element] = next(filter(None, map(find_panels, around)), [])
            is_named = len(labels) > 1 and all(0 < len(label) <= MAX_LABEL for label in labels)
            # Those whose text comes when they are opened would leave bare labels.
            is_read = all(
                next(panel.iterdescendants("pre", "p", "table"), None) is not None
                for panel in panels
            )
            if not (is_named and is_read) or len(labels) != len(panels):
                continue
            for label, panel in zip(labels, panels, strict=True):
                line = panel.makeelement("p")
                etree.SubElement(line, "b").text = label
                line.tail, panel.text = panel.text, None
                panel.insert(0, line)
            tail = strip.tail
            strip.clear()
            strip.tag, strip.tail = "template", tail
