"""The quality report as one page that needs nothing else: no scripts, no fonts, no network."""

from collections.abc import Iterator
from typing import Any

from finetune.data.quality import Lengths, Quality
from finetune.html_templates import render
from ingest.foundation.messages import Language, Wording

FIELD_NAMES = {
    "system": Wording("system message", "系统消息"),
    "think": Wording("thinking", "思考过程"),
    "label": Wording("label", "标签"),
    "entities": Wording("entities", "实体"),
    "group": Wording("group", "分组"),
    "document": Wording("document", "文档"),
    "history": Wording("earlier turns", "多轮历史"),
    "question": Wording("question", "问题"),
    "answer": Wording("answer", "回答"),
}
CHECK_NAMES = {
    "broken_characters": Wording("broken characters (�)", "乱码字符（�）"),
    "think_tags": Wording("think tags in the text", "正文中混有思考标签"),
    "open_code": Wording("code block that is never closed", "代码块没有闭合"),
    "echo": Wording("answer repeats the question", "回答与问题相同"),
    "cut_off": Wording("answer seems to be cut off", "回答似乎被截断"),
    "bad_json": Wording("looks like JSON and is none", "像 JSON 却无法解析"),
    "entity": Wording("entity that is not in the text", "实体不在原文中"),
}
STEP_NAMES = {
    "unicode": Wording("characters normalised", "统一字符形式"),
    "spaces": Wording("white space tidied", "整理空白"),
    "html": Wording("HTML removed", "去除 HTML"),
    "control_tokens": Wording("control tokens neutralised", "中和控制标记"),
}
LANGUAGE_NAMES = {"zh": Wording("Chinese", "中文"), "en": Wording("English", "英文")}

UNEVEN = 0.8
"""Balance below which a note is due: one label of two with 25 % of the rows has 0.81."""

PLOT = (420, 120)
"""Width and height of a histogram, in SVG units."""

LABELS_SHOWN = 40


def page(quality: Quality, language: Language) -> str:
    """Return the report as HTML."""
    return render(
        "quality.html.j2",
        language,
        filters={"n": "{:,}".format, "pct": _percent},
        q=quality,
        notes=[note.to(language) for note in notes(quality)],
        name=lambda kind, key: _name(kind, key, language),
        unused=[
            FIELD_NAMES[field].to(language)
            for field, count in quality.missing.items()
            if count == quality.kept
        ],
        bars=bars,
        plot=PLOT,
        labels=list(quality.labels.items())[:LABELS_SHOWN],
        flow=[
            (Wording("kept", "保留").to(language), quality.kept, "kept"),
            (Wording("exact duplicates", "完全重复").to(language), quality.exact, "exact"),
            (Wording("near duplicates", "近似重复").to(language), quality.near, "near"),
            (Wording("quarantined", "隔离").to(language), quality.quarantined, "bad"),
        ],
    )


def notes(quality: Quality) -> list[Wording]:
    """Return what a person should look at before training, the gravest first."""
    return [*_leaks(quality), *_thinking(quality), *_balance(quality), *_findings(quality)]


def _leaks(quality: Quality) -> Iterator[Wording]:
    for leak in quality.leaks:
        if leak.questions:
            yield Wording(
                f"{leak.questions:,} of {leak.rows:,} questions of {leak.split} are in train, too:"
                ' figures will flatter. Use data.split.group = "question".',
                f"{leak.split} 的 {leak.rows:,} 个问题中有 {leak.questions:,} 个也在 train 中，"
                '评测会虚高。请用 data.split.group = "question"。',
            )


def _thinking(quality: Quality) -> Iterator[Wording]:
    without = quality.missing["think"]
    if 0 < without < quality.kept:
        yield Wording(
            f"{without:,} rows have no thinking and the others do: the model learns both.",
            f"{without:,} 行没有思考过程，其余的有：模型会两种都学。",
        )


def _balance(quality: Quality) -> Iterator[Wording]:
    if quality.balance is not None and quality.balance < UNEVEN:
        yield Wording(
            f"Labels are uneven (balance {quality.balance:.2f}): look at macro-F1 rather than at"
            " accuracy, or oversample the rare ones.",
            f"标签不均衡（均衡系数 {quality.balance:.2f}）：请看 macro-F1 而不是准确率，"
            "或对少数类过采样。",
        )


def _findings(quality: Quality) -> Iterator[Wording]:
    for finding in quality.findings:
        meaning, where = CHECK_NAMES[finding.check], ", ".join(finding.examples)
        yield Wording(
            f"{meaning.en}: {finding.count:,} ({where})",
            f"{meaning.zh}：{finding.count:,}（{where}）",
        )


def bars(lengths: Lengths) -> list[dict[str, Any]]:
    """Return a histogram's bars in the units of `PLOT`: x, y, width, height, and the bin."""
    if not lengths.bins:
        return []
    wide, high = PLOT
    width = wide / len(lengths.bins)
    most = max(one.count for one in lengths.bins)
    return [
        {
            "x": round(at * width + 1, 2),
            "y": round(high - one.count / most * high, 2),
            "width": round(width - 2, 2),
            "height": round(one.count / most * high, 2),
            "bin": one,
        }
        for at, one in enumerate(lengths.bins)
    ]


def _percent(part: float, whole: float) -> str:
    """Return a share with one digit; what is small but there is not called 0."""
    share = 100 * part / whole if whole else 0.0
    return "<0.1 %" if 0 < share < 0.1 else f"{share:.1f} %".replace(".0 %", " %")


def _name(kind: str, key: str, language: Language) -> str:
    names = {
        "field": FIELD_NAMES,
        "check": CHECK_NAMES,
        "step": STEP_NAMES,
        "language": LANGUAGE_NAMES,
    }[kind]
    parts = key.split(" → ")
    return " → ".join(names[part].to(language) if part in names else part for part in parts)
