"""Classification: the label that an answer gives, accuracy, macro-F1 and confusion matrix."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

NO_LABEL = ""
"""Label of an answer that names none of the labels, or more than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScore:
    """Scores of one label, 0 to 1; `records` is the number of records that have it."""

    label: str
    precision: float
    recall: float
    f1: float
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """Figures over all records, 0 to 1.

    `confusion[i][j]` counts the records of `labels[i]` whose answer gave `columns[j]`; the last
    column is NO_LABEL if any answer gave none.
    """

    accuracy: float
    macro_f1: float
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    per_label: tuple[LabelScore, ...]


def parse_label(answer: str, labels: Sequence[str]) -> str:
    """Return the one label that an answer gives, NO_LABEL if none or several.

    The answer may be the label or hold it in a sentence.
    """
    folded = {_fold(label): label for label in labels if label.strip()}
    text = _fold(answer)
    if text in folded or not folded:
        return folded.get(text, NO_LABEL)
    patterns = []
    # Longest first: a regular expression takes the first alternative that fits, and "satisfied"
    # is in "not satisfied".
    for label in sorted(folded, key=len, reverse=True):
        # No English label inside another word; Chinese has no such boundaries.
        left = r"(?<![a-z0-9_])" if re.match(r"[a-z0-9_]", label) else ""
        right = r"(?![a-z0-9_])" if re.search(r"[a-z0-9_]\Z", label) else ""
        patterns.append(left + re.escape(label) + right)
    found = set(re.findall("|".join(patterns), text))
    return folded[found.pop()] if len(found) == 1 else NO_LABEL


def score_classification(expected: Sequence[str], given: Sequence[str]) -> Classification:
    """Return the figures of given labels; macro-F1 is the mean over the expected labels.

    Raises:
        ValueError: there is no record.
    """
    from sklearn import metrics  # heavy: scikit-learn takes 1 s

    if not expected:
        raise ValueError("no record to classify")
    labels = sorted(set(expected))
    others = sorted(set(given) - set(labels) - {NO_LABEL})
    columns = [*labels, *others, *([NO_LABEL] if NO_LABEL in given else [])]
    counts = metrics.confusion_matrix(expected, given, labels=columns)
    scores = zip(
        *metrics.precision_recall_fscore_support(expected, given, labels=labels, zero_division=0),
        strict=True,
    )
    per_label = tuple(
        LabelScore(label=label, precision=float(p), recall=float(r), f1=float(f), records=int(n))
        for label, (p, r, f, n) in zip(labels, scores, strict=True)
    )
    return Classification(
        accuracy=float(metrics.accuracy_score(expected, given)),
        # scikit-learn's own average would also count labels that only answers have, each with 0.
        macro_f1=sum(one.f1 for one in per_label) / len(per_label),
        labels=tuple(labels),
        columns=tuple(columns),
        confusion=tuple(tuple(map(int, row)) for row in counts[: len(labels)]),
        per_label=per_label,
    )


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip(" \t\r\n.。,，!！\"'“”‘’「」:：*`")
