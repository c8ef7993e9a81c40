"""A tokenizer.json as transformers makes it of a SentencePiece model: BPE over bytes and pieces.

Gemma turns spaces into "▁" by a normalizer, Mistral by a pre-tokenizer that adds one in front.
"""

import json
from collections.abc import Sequence

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from tests.finetune.tiny_families import Family

SPACE = "▁"


def train_sentencepiece(texts: Sequence[str], kind: Family, *, size: int) -> Tokenizer:
    """Return a tokenizer with the control tokens of `kind`, 256 bytes and the learnt pieces."""
    learning = Tokenizer(models.BPE())
    # Within words alone, else the trainer would take a whole page for one.
    learning.pre_tokenizer = pre_tokenizers.Split(
        Regex(f"{SPACE}?[^{SPACE}\n]+|\n+|{SPACE}+"), "isolated", invert=False
    )
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False)
    learning.train_from_iterator((text.replace(" ", SPACE) for text in texts), trainer)
    learnt = learning.get_vocab()
    by_rank = sorted(learnt, key=learnt.__getitem__)
    pieces = [*kind.tokens, *(f"<0x{byte:02X}>" for byte in range(256)), *kind.texts]
    pieces += [piece for piece in by_rank if piece not in kind.texts]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    # SentencePiece joins any two neighbours that make a piece, the one learnt first before others.
    merges = [
        [piece[:cut], piece[cut:]]
        for piece in by_rank
        for cut in range(1, len(piece))
        if piece[:cut] in learnt and piece[cut:] in learnt
    ]
    model = {
        "type": "BPE",
        "unk_token": "<unk>",
        "fuse_unk": True,
        "byte_fallback": True,
        "vocab": vocabulary,
        "merges": merges,
    }
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    added = [(text, special) for text, special in kind.tokens.items()]
    added += [(text, False) for text in kind.texts]
    by_normalizer = not kind.prefix
    steps = [
        {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if kind.prefix:
        steps.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    metaspace = {
        "type": "Metaspace",
        "replacement": SPACE,
        "prepend_scheme": kind.prefix,
        "split": False,
    }
    split = {
        "type": "Split",
        "pattern": {"String": " "},
        "behavior": "MergedWithPrevious",
        "invert": False,
    }
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    tables = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": vocabulary[text], "content": text, "special": special, **flags}
            for text, special in added
        ],
        "normalizer": replace if by_normalizer else None,
        "pre_tokenizer": split if by_normalizer else metaspace,
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": steps},
        "model": model,
    }
    return Tokenizer.from_str(json.dumps(tables))
