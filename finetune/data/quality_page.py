"""The quality report as one page that needs nothing else: no scripts, no fonts, no network."""

from collections.abc import Iterator
from typing import Any

from finetune.data.notes import row_notes
from finetune.data.quality import Quality, RowLengths
from finetune.html_templates import render
from ingest.foundation.messages import Language, Message

FIELD_NAMES = {
    "system": Message("system message"),
    "think": Message("thinking"),
    "label": Message("label"),
    "entities": Message("entities"),
    "group": Message("group"),
    "document": Message("document"),
    "history": Message("earlier turns"),
    "question": Message("question"),
    "answer": Message("answer"),
}
CHECK_NAMES = {
    "broken_characters": Message("broken characters (�)"),
    "think_tags": Message("think tags in the text"),
    "open_code": Message("code block that is never closed"),
    "echo": Message("answer repeats the question"),
    "cut_off": Message("answer seems to be cut off"),
    "bad_json": Message("looks like JSON and is none"),
    "entity": Message("entity that is not in the text"),
}
STEP_NAMES = {
    "unicode": Message("characters normalised"),
    "spaces": Message("white space tidied"),
    "html": Message("HTML removed"),
    "control_tokens": Message("control tokens neutralised"),
    "personal": Message("personal data masked"),
}
LANGUAGE_NAMES = {"zh": Message("Chinese"), "en": Message("English")}

UNEVEN = 0.8
"""Balance below which a note is written: one label of two with 25 % of the rows has 0.81."""

PLOT = (420, 120)
"""Width and height of a histogram, in SVG units."""

LABELS_SHOWN = 40
"""Rows of the page's table of labels; quality.json has more."""


def render_quality_page(quality: Quality, language: Language) -> str:
    """Return the report as HTML."""
    names = {
        "field": FIELD_NAMES,
        "check": CHECK_NAMES,
        "step": STEP_NAMES,
        "language": LANGUAGE_NAMES,
    }

    def label_of(kind: str, key: str) -> str:
        """Return what a person is shown for a key of the report, the key where it has no label."""
        parts = key.split(" → ")  # the languages of questions and answers, if they differ
        name_of_part = names[kind]
        return " → ".join(
            name_of_part[part].localize(language) if part in name_of_part else part
            for part in parts
        )

    return render(
        "quality.html.j2",
        language,
        filters={"n": "{:,}".format, "pct": format_share},
        q=quality,
        notes=[note.localize(language) for note in quality_notes(quality)],
        name=label_of,
        unused=[
            FIELD_NAMES[field].localize(language)
            for field, count in quality.missing.items()
            if count == quality.kept
        ],
        bars=histogram_bars,
        plot=PLOT,
        labels=list(quality.labels.items())[:LABELS_SHOWN],
        flow=[
            (Message("kept").localize(language), quality.kept, "kept"),
            (Message("exact duplicates").localize(language), quality.exact, "exact"),
            (Message("near duplicates").localize(language), quality.near, "near"),
            (Message("quarantined").localize(language), quality.quarantined, "bad"),
        ],
    )


def quality_notes(quality: Quality) -> Iterator[Message]:
    """Yield what a person should look at before training, the gravest first."""
    for leak in quality.leaks:
        if leak.questions:
            yield Message(
                "{questions:,} of {rows:,} {rows:?question|questions} of {split} "
                "{questions:?is|are} in train, too: figures will flatter. Use "
                'data.split.group = "question".',
                questions=leak.questions,
                rows=leak.rows,
                split=leak.split,
            )
    yield from row_notes(quality)
    without = quality.missing["think"]
    if 0 < without < quality.kept:
        yield Message(
            "{without:,} {without:?row has|rows have} no thinking and the others do: the "
            "model learns both.",
            without=without,
        )
    if quality.balance is not None and quality.balance < UNEVEN:
        yield Message(
            "Labels are uneven (balance {balance:.2f}): look at macro-F1 rather than at "
            "accuracy, or oversample the rare ones.",
            balance=quality.balance,
        )
    for finding in quality.findings:
        meaning, where = CHECK_NAMES[finding.check], ", ".join(finding.examples)
        yield Message(
            "{meaning}: {count:,} ({where})", meaning=meaning, count=finding.count, where=where
        )


def histogram_bars(lengths: RowLengths) -> list[dict[str, Any]]:
    """Return a histogram's bars in the units of `PLOT`: x, y, width, height, and the bin."""
    if not lengths.bins:
        return []
    wide, high = PLOT
    width = wide / len(lengths.bins)
    most = max(one.count for one in lengths.bins)
    return [
        {
            "x": round(at * width + 1, 2),  # two units between bars
            "y": round(high - one.count / most * high, 2),
            "width": round(width - 2, 2),
            "height": round(one.count / most * high, 2),
            "bin": one,
        }
        for at, one in enumerate(lengths.bins)
    ]


def format_share(part: float, whole: float) -> str:
    """Return a share in percent with one digit."""
    share = 100 * part / whole if whole else 0.0
    # "0 %" is for none at all: a few broken rows of a million are there, and can be looked at.
    return "<0.1 %" if 0 < share < 0.1 else f"{share:.1f} %".replace(".0 %", " %")
