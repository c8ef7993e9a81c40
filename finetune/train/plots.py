"""Curves of a training, loss and learning rate over steps, as PNG and SVG."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from finetune.train.log import LogEntry, best_evaluation

SIZE_INCHES = (7.0, 4.2)
DPI = 120
LOG_AXIS_RATIO = 10.0
"""Ratio of the highest loss to the lowest above which the axis is logarithmic."""

TRAIN_COLOUR, VAL_COLOUR, BEST_COLOUR = "#4c72b0", "#dd8452", "#2a7f3f"


def draw_curves(entries: Sequence[LogEntry], folder: Path, *, stopped_early: bool = False) -> None:
    """Write loss.png, loss.svg, lr.png and lr.svg into `folder`.

    The lowest validation loss, that of the published checkpoint, and the step of an early stop are
    marked.
    """
    figure, axes = _new_figure("loss per target token (nats)")
    train = [(entry.step, entry.loss) for entry in entries if entry.loss is not None]
    val = [(entry.step, entry.eval_loss) for entry in entries if entry.eval_loss is not None]
    axes.plot(*_columns(train), color=TRAIN_COLOUR, marker=".", label="training")
    if val:
        axes.plot(*_columns(val), color=VAL_COLOUR, marker="o", label="validation")
    best = best_evaluation(entries)
    if best is not None and best.eval_loss is not None:
        label = f"best: {best.eval_loss:.4f} at step {best.step}"
        axes.plot([best.step], [best.eval_loss], "*", color=BEST_COLOUR, ms=15, label=label)
    if stopped_early:
        axes.axvline(entries[-1].step, color="grey", linestyle="--", label="stopped early")
    # A loss learnt by heart rounds to 0, which has no place on a logarithmic axis.
    losses = [loss for _, loss in train + val if loss > 0]
    if losses and max(losses) > LOG_AXIS_RATIO * min(losses):
        axes.set_yscale("log")
    axes.legend()
    _save_figure(figure, folder / "loss")
    figure, axes = _new_figure("learning rate")
    rates = [(entry.step, entry.lr) for entry in entries if entry.lr is not None]
    axes.plot(*_columns(rates), color=TRAIN_COLOUR, marker=".")
    axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    _save_figure(figure, folder / "lr")


def _new_figure(label: str) -> tuple[Figure, Axes]:
    # `Figure` itself, not pyplot: pyplot picks a GUI backend and keeps each figure permanently.
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel("optimiser step")
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
    return figure, axes


def _columns(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [step for step, _ in points], [value for _, value in points]


def _save_figure(figure: Figure, stem: Path) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    # SVG text stays text instead of outlines, so that it can be searched.
    with rc_context({"svg.fonttype": "none"}):
        for kind in (".png", ".svg"):
            figure.savefig(stem.with_suffix(kind))
