"""What the results of commands are called on a terminal; JSON keeps the plain names."""

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.foundation.messages import COLON, Language, Message

LABELS = {
    "rows": Message("rows read"),
    "kept": Message("rows kept"),
    "duplicates": Message("duplicates"),
    "quarantined": Message("quarantined"),
    "leaks": Message("leaks between splits"),
    "answer_leaks": Message("answers that training has, too"),
    "conflicts": Message("questions with several answers"),
    "train": Message("training rows"),
    "val": Message("validation rows"),
    "test": Message("test rows"),
    "steps": Message("steps"),
    "epochs": Message("epochs"),
    "first_loss": Message("loss at first"),
    "train_loss": Message("loss at last"),
    "best_eval_loss": Message("best validation loss"),
    "best_step": Message("best step"),
    "tokens_per_second": Message("tokens a second"),
    "peak_memory": Message("peak memory"),
    "estimated_seconds": Message("estimated seconds for all"),
    "dropped": Message("samples too long, left out"),
    "shortened": Message("samples with shortened history"),
    "unpaired": Message("rows without a rejected answer"),
    "val_accuracy": Message("validation pairs won"),
    "stopped_early": Message("stopped early"),
    "adapter": Message("adapter"),
    "merged": Message("merged model"),
    "max_difference": Message("largest difference of logits"),
    "argmax_equal": Message("same likeliest token"),
    "dtype": Message("number format"),
    "file": Message("file"),
    "folder": Message("folder"),
    "kind": Message("kind"),
    "bytes": Message("size"),
    "command": Message("to run it"),
    "report": Message("report"),
    "card": Message("model card"),
    "records": Message("records asked"),
    "missing": Message("records without a reply"),
    "activated": Message("activated"),
    "inactive": Message("in Ollama, though not active"),
    "verified": Message("verified"),
    "model": Message("model"),
    "synthesized": Message("rows made"),
    "unanswerable": Message("of them to be declined"),
    "documents": Message("pages read"),
    "left_out": Message("questions left out"),
    "sheet": Message("sample for a person to judge"),
}
"""Name of a result -> its label; what is not here is for JSON alone."""

SIZES = frozenset({"bytes", "peak_memory"})
"""Figures in bytes, shown in megabytes."""

MEGABYTE = 1_000_000


def render_results(figures: Mapping[str, Any], language: Language) -> Iterator[str]:
    """Yield one line for each figure that people look at; the value of `text` stands as it is."""
    joint = COLON.localize(language)
    for name, value in figures.items():
        if name == "text":
            yield str(value)
        elif isinstance(value, Mapping) and name not in LABELS:
            # Figures of a step inside those of a run, such as "export-gguf".
            yield from (f"  {line}" for line in render_results(value, language))
        # False and None are no news ("stopped early: no"), 0 is ("leaks between splits: 0").
        elif name in LABELS and value is not None and value is not False:
            if name in SIZES:
                shown = f"{value / MEGABYTE:,.1f} MB"
            elif value is True:
                shown = Message("yes").localize(language)
            else:
                shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            yield f"{LABELS[name].localize(language)}{joint}{shown}"
