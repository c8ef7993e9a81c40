"""Classification: which label an answer gives, and accuracy, macro-F1, confusion matrix."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

NO_LABEL = ""
"""Given by an answer that names none of the labels, or more than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScore:
    """One label among the records: `records` have it."""

    label: str
    precision: float
    recall: float
    f1: float
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """Figures of all records; shares from 0 to 1.

    `confusion[i][j]` counts records of `labels[i]` whose answer gave `columns[j]`; the last column
    is NO_LABEL if any answer gave none.
    """

    accuracy: float
    macro_f1: float
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    per_label: tuple[LabelScore, ...]


def given_label(answer: str, labels: Sequence[str]) -> str:
    """Return the one label that an answer gives, NO_LABEL if none or several.

    The answer may be the label or hold it in a sentence. Where one label is part of another
    ("satisfied", "not satisfied"), the longer one counts.
    """
    folded = {_folded(label): label for label in labels if label.strip()}
    said = _folded(answer)
    if said in folded or not folded:
        return folded.get(said, NO_LABEL)
    longest_first = sorted(folded, key=len, reverse=True)
    found = set(re.findall("|".join(map(_pattern, longest_first)), said))
    return folded[found.pop()] if len(found) == 1 else NO_LABEL


def classification(wanted: Sequence[str], given: Sequence[str]) -> Classification:
    """Return the figures of answers' labels against the records'; macro-F1 is over `wanted`'s.

    Raises:
        ValueError: there is no record.
    """
    from sklearn import metrics  # heavy: scikit-learn takes 1 s

    if not wanted:
        raise ValueError("no record to classify")
    labels = sorted(set(wanted))
    others = sorted(set(given) - set(labels) - {NO_LABEL})
    columns = [*labels, *others, *([NO_LABEL] if NO_LABEL in given else [])]
    counts = metrics.confusion_matrix(wanted, given, labels=columns)
    scores = zip(
        *metrics.precision_recall_fscore_support(wanted, given, labels=labels, zero_division=0),
        strict=True,
    )
    per_label = tuple(
        LabelScore(label=label, precision=float(p), recall=float(r), f1=float(f), records=int(n))
        for label, (p, r, f, n) in zip(labels, scores, strict=True)
    )
    return Classification(
        accuracy=float(metrics.accuracy_score(wanted, given)),
        macro_f1=sum(one.f1 for one in per_label) / len(per_label),
        labels=tuple(labels),
        columns=tuple(columns),
        confusion=tuple(tuple(map(int, row)) for row in counts[: len(labels)]),
        per_label=per_label,
    )


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip(" \t\r\n.。,，!！\"'“”‘’「」:：*`")


def _pattern(label: str) -> str:
    """Return a pattern that finds a label, but no English one inside another word."""
    left = r"(?<![a-z0-9_])" if re.match(r"[a-z0-9_]", label) else ""
    right = r"(?![a-z0-9_])" if re.search(r"[a-z0-9_]\Z", label) else ""
    return left + re.escape(label) + right
