"""What the results of commands are called on a terminal; JSON keeps the plain names."""

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.foundation.messages import Language, Wording

LABELS = {
    "rows": Wording("rows read", "读入行数"),
    "kept": Wording("rows kept", "保留行数"),
    "duplicates": Wording("duplicates", "重复行数"),
    "quarantined": Wording("quarantined", "隔离行数"),
    "leaks": Wording("leaks between splits", "数据集之间的泄漏"),
    "train": Wording("training rows", "训练集"),
    "val": Wording("validation rows", "验证集"),
    "test": Wording("test rows", "测试集"),
    "steps": Wording("steps", "步数"),
    "epochs": Wording("epochs", "轮数"),
    "first_loss": Wording("loss at first", "开始时的损失"),
    "train_loss": Wording("loss at last", "结束时的损失"),
    "best_eval_loss": Wording("best validation loss", "最佳验证损失"),
    "best_step": Wording("best step", "最佳步"),
    "tokens_per_second": Wording("tokens a second", "每秒词元"),
    "peak_memory": Wording("peak memory", "内存峰值"),
    "estimated_seconds": Wording("estimated seconds for all", "全程估计（秒）"),
    "dropped": Wording("samples too long, left out", "过长而舍弃的样本"),
    "shortened": Wording("samples with shortened history", "缩短了历史的样本"),
    "stopped_early": Wording("stopped early", "提前停止"),
    "adapter": Wording("adapter", "适配器"),
    "merged": Wording("merged model", "合并后的模型"),
    "max_difference": Wording("largest difference of logits", "logits 最大差"),
    "argmax_equal": Wording("same likeliest token", "最可能词元一致率"),
    "dtype": Wording("number format", "数值格式"),
    "file": Wording("file", "文件"),
    "folder": Wording("folder", "文件夹"),
    "kind": Wording("kind", "类型"),
    "bytes": Wording("size", "大小"),
    "command": Wording("to run it", "运行命令"),
    "report": Wording("report", "报告"),
    "card": Wording("model card", "模型卡"),
    "records": Wording("records asked", "提问条数"),
    "missing": Wording("records without a reply", "没有回答的条数"),
    "activated": Wording("activated", "已启用"),
    "model": Wording("model", "模型"),
}
"""Result -> its name; what is not here is for JSON alone."""

SIZES = frozenset({"bytes", "peak_memory"})
MEGABYTE = 1_000_000


def lines(shown: Mapping[str, Any], language: Language) -> Iterator[str]:
    """Yield one line for each result that people look at; `text` stands as it is."""
    joint = "：" if language == "zh" else ": "
    for name, value in shown.items():
        if name == "text":
            yield str(value)
        elif isinstance(value, Mapping) and name not in LABELS:
            yield from (f"  {line}" for line in lines(value, language))
        elif name in LABELS and value is not None and value is not False:
            yield f"{LABELS[name].to(language)}{joint}{_text(name, value, language)}"


def _text(name: str, value: Any, language: Language) -> str:
    if name in SIZES:
        return f"{value / MEGABYTE:,.1f} MB"
    if value is True:
        return Wording("yes", "是").to(language)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
