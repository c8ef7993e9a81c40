"""Fit the model of blocks anew: `python -m bench.fit_blocks [--half 0] [--write]`.

Prints the coefficients of `ingest.extract.blocks.block_model` as fitted on every second page of the
three sets of `bench.extraction_sets`, and how the blocks of the other pages are then judged;
--write puts them into the module. The pages are described by the product's own code, so after a
change of a feature or of the rules this is all that has to be run; then `python -m
bench.extraction`.

A block is text if it holds a wanted chunk, or lies in one; where the text is marked, if most of
its runs of letters are in that. Chunks say nothing of most blocks: those that our rules,
trafilatura and readability judge alike count `AGREED` as much. Needs scikit-learn.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import extraction_sets as sets
from ingest.extract import main_text
from ingest.extract.blocks import block_model
from ingest.extract.blocks.block_features import BlockDescriber
from ingest.extract.blocks.text_region import TextBlock
from ingest.extract.dom import letters_of, parse_html
from ingest.extract.markup import normalize_markup
from ingest.extract.metadata.jsonld import load_jsonld
from ingest.extract.metadata.page_metadata import read_metadata
from ingest.extract.visibility import remove_unseen

STRENGTH = 0.01  # C of scikit-learn: 60 features, and labels of 290 pages
AGREED = 0.15  # weight of a block that all three readers judge alike, beside 1 for a chunk
FULL_WEIGHT = 100  # bytes of letters from which such a block counts that much
PAGE_WEIGHT = {"news": 6.0, "zh": 24.0}  # of all blocks of a page whose text is marked
MAX_BLOCK = 0.3  # share of the marked text from which a block counts no more
SLIGHT = 0.01  # weight of any block of such a page
RUN = {"news": 12, "zh": 6}  # letters
MIN_LABELLED = {"news": 5, "zh": 3}  # letters; a shorter block may stand anywhere
MIN_CHUNK = 3  # letters; a shorter chunk is found anywhere
MIN_PART = 12  # letters of a block that may be a part of a chunk
MOST = 0.3  # share of a block that a short unwanted chunk must make up
LONG_CHUNK = 20  # letters; a longer unwanted chunk makes its block unwanted


@dataclass(frozen=True, slots=True)
class Sample:
    """A block as the model sees it, whether it is text, and how much it counts."""

    features: list[float]
    is_text: bool
    weight: float


def read_samples(set_name: str, page: sets.MarkedPage) -> Iterator[Sample]:
    """Yield what can be learnt from `page`."""
    source = sets.decoded(page.body)
    root = parse_html(source)
    if root is None:
        return
    classes = " ".join(element.get("class", "") for element in root.iter())
    normalize_markup(root, source, classes=classes)
    headlines = read_metadata(
        root, url=page.url, now=datetime.now(UTC), data=load_jsonld(root)
    ).headlines
    everything = list(root.iter())  # keeps lxml's proxies alive, as in main_text
    remove_unseen(root)
    blocks, found = main_text.find_blocks(root)
    if not blocks:
        return
    ruled = main_text.choose_by_rules(blocks, found, {letters_of(each) for each in headlines})
    describer = BlockDescriber(blocks, ruled)
    labelled = _label_by_chunks if set_name == "pages" else _label_by_text
    for block, is_text, weight in labelled(set_name, page, blocks, set(ruled.kept)):
        yield Sample([*describer.describe(block).values()], is_text, weight)
    del everything


def _label_by_chunks(
    set_name: str, page: sets.MarkedPage, blocks: Sequence[TextBlock], kept: set[TextBlock]
) -> Iterator[tuple[TextBlock, bool, float]]:
    wanted = [letters_of(chunk) for chunk in page.wanted]
    unwanted = [letters_of(chunk) for chunk in page.unwanted]
    readers = [
        sets.cached(sets.read_trafilatura, "trafilatura")(page.body, page.url),
        sets.cached(sets.read_readability, "readability-lxml")(page.body, page.url),
    ]
    texts = [letters_of(text) for text in readers]
    for block in blocks:
        letters = block.letters
        is_part = len(letters) >= MIN_PART
        holds_wanted = any(
            len(chunk) >= MIN_CHUNK and (chunk in letters or (is_part and letters in chunk))
            for chunk in wanted
        )
        holds_unwanted = any(
            len(chunk) >= MIN_CHUNK
            and (
                (chunk in letters and len(chunk) > min(MOST * len(letters), LONG_CHUNK))
                or (is_part and letters in chunk)
            )
            for chunk in unwanted
        )
        if holds_wanted != holds_unwanted:
            yield block, holds_wanted, 1.0
        elif not holds_wanted:
            judged = {block in kept, *(_is_in(letters, text) for text in texts)}
            if len(judged) == 1:
                yield block, judged.pop(), AGREED * min(block.weight / FULL_WEIGHT, 1)


def _label_by_text(
    set_name: str, page: sets.MarkedPage, blocks: Sequence[TextBlock], kept: set[TextBlock]
) -> Iterator[tuple[TextBlock, bool, float]]:
    text = letters_of(page.text)
    length = RUN[set_name]
    runs = {text[at : at + length] for at in range(len(text) - length + 1)}
    labels: dict[TextBlock, bool] = {}
    for block in blocks:
        letters = block.letters
        starts = range(0, len(letters) - length + 1, 2)
        if len(starts):
            labels[block] = 2 * sum(letters[at : at + length] in runs for at in starts) > len(
                starts
            )
        elif len(letters) >= MIN_LABELLED[set_name] and letters not in text:
            labels[block] = False
    whole = max(sum(block.weight for block, is_text in labels.items() if is_text), 1)
    for block, is_text in labels.items():
        yield block, is_text, PAGE_WEIGHT[set_name] * min(block.weight / whole, MAX_BLOCK) + SLIGHT


def _is_in(letters: str, text: str) -> bool:
    """Return whether most of `letters`, run by run, are in `text`."""
    if len(letters) < main_text.GRAM:
        return letters in text
    starts = range(0, len(letters) - main_text.GRAM + 1, main_text.GRAM_STEP)
    return 2 * sum(letters[at : at + main_text.GRAM] in text for at in starts) > len(starts)


def fit(samples: Sequence[Sample]) -> tuple[float, list[float]]:
    """Return intercept and coefficients, for features as they are."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    features = np.array([sample.features for sample in samples])
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=STRENGTH, max_iter=400)
    model.fit(
        scaler.transform(features),
        [sample.is_text for sample in samples],
        sample_weight=[sample.weight for sample in samples],
    )
    coefficients: Any = model.coef_[0] / scaler.scale_
    return float(model.intercept_[0] - coefficients @ scaler.mean_), coefficients.tolist()


def judge(samples: Sequence[Sample], intercept: float, coefficients: Sequence[float]) -> float:
    """Return the weighted share of `samples` that the model judges right."""
    right = sum(
        sample.weight
        for sample in samples
        if (intercept + sum(c * f for c, f in zip(coefficients, sample.features, strict=True)) > 0)
        == sample.is_text
    )
    return right / max(sum(sample.weight for sample in samples), 1e-9)


def render_table(intercept: float, coefficients: Sequence[float]) -> str:
    """Return the lines of `ingest.extract.blocks.block_model` that hold the model."""
    names = feature_names()
    rows = "".join(
        f'    "{name}": {value:.3f},\n' for name, value in zip(names, coefficients, strict=True)
    )
    return f"INTERCEPT = {intercept:.3f}\nCOEFFICIENTS = {{\n{rows}}}\n"


def feature_names() -> list[str]:
    root = parse_html("<p>one block")
    assert root is not None
    blocks, found = main_text.find_blocks(root)
    assert blocks
    ruled = main_text.choose_by_rules(blocks, found, set())
    return list(BlockDescriber(blocks, ruled).describe(blocks[0]))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--half", type=int, choices=[0, 1], default=0, help="the pages to fit on")
    parser.add_argument("--write", action="store_true", help="put the table into block_model.py")
    arguments = parser.parse_args()
    fitted: list[Sample] = []
    unseen: list[Sample] = []
    readers = {"news": sets.news_pages, "pages": sets.chunk_pages, "zh": sets.chinese_pages}
    for name, read in readers.items():
        for number, page in enumerate(read()):
            side = fitted if number % 2 == arguments.half else unseen
            side.extend(read_samples(name, page))
    intercept, coefficients = fit(fitted)
    table = render_table(intercept, coefficients)
    print(table)
    for title, samples in (("fitted on", fitted), ("unseen", unseen)):
        share = judge(samples, intercept, coefficients)
        print(f"{title}: {len(samples)} blocks, {share:.4f} judged right by weight")
    if arguments.write:
        path = Path(str(block_model.__file__))
        source = path.read_text(encoding="utf-8")
        pattern = re.compile(r"^INTERCEPT = .*?^\}\n", re.MULTILINE | re.DOTALL)
        path.write_text(pattern.sub(lambda _: table, source, count=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
