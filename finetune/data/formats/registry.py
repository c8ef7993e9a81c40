"""All formats, in the order in which rows are held against them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from finetune.data.formats import alpaca, classify, cot, entities, huatuo, messages, nvc
from finetune.data.rows import Content, Fields
from finetune.recipe import ReaderName


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a row of a format is known, and how it is read (which raises `RowError`)."""

    fits: Callable[[Fields], bool]
    read: Callable[[Fields], Content]


FORMATS: Mapping[ReaderName, Format] = {
    "huatuo": Format(fits=huatuo.fits, read=huatuo.read),
    "sharegpt": Format(fits=messages.fits_sharegpt, read=messages.read),
    "openai": Format(fits=messages.fits_openai, read=messages.read),
    "nvc": Format(fits=nvc.fits, read=nvc.read),
    "alpaca": Format(fits=alpaca.fits, read=alpaca.read),
    "entities": Format(fits=entities.fits, read=entities.read),
    "classify": Format(fits=classify.fits, read=classify.read),
    "cot": Format(fits=cot.fits, read=cot.read),
}
"""What comes first has fields that nothing behind it has."""
