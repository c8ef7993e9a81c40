"""A random multilingual encoder of a few kilobytes, in the format of the packaged weights."""

import hashlib
import struct
from pathlib import Path

import numpy as np

from ingest.index.embed.e5_model import SHA256
from ingest.index.embed.multilingual import MultilingualEmbedder

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdefghij", "▁the", "无", "人", "Ж", "か"]
HIDDEN, INNER, LAYERS, HEADS = 64, 96, 2, 4


def write_tiny_file(path: Path) -> Path:
    """Write a random model in the format of e5-small-q4.bin."""
    dice = np.random.default_rng(5)
    tensors: list[tuple[str, int, int, bytes]] = []

    def add(name: str, *shape: int) -> None:
        count = int(np.prod(shape))
        if len(shape) == 2 and not name.startswith(("emb.pos", "emb.type")):
            blocks = count // 32
            scales = dice.uniform(0.01, 0.05, (blocks, 1)).astype("<f2").view(np.uint8)
            packed = dice.integers(0, 256, (blocks, 16), dtype=np.uint8)
            tensors.append((name, 1, count, np.hstack([scales, packed]).tobytes()))
        else:
            values = dice.normal(0, 0.5, shape).astype("<f4")
            tensors.append((name, 0, count, values.tobytes()))

    add("emb.word", len(PIECES), HIDDEN)
    add("emb.pos", 512, HIDDEN)
    add("emb.type", 2, HIDDEN)
    for norm in ("emb.ln", *(f"l{n}.{part}" for n in range(LAYERS) for part in ("aln", "oln"))):
        add(f"{norm}.w", HIDDEN)
        add(f"{norm}.b", HIDDEN)
    for number in range(LAYERS):
        shapes = {"fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER)}
        for part in ("q", "k", "v", "ao", "fi", "fo"):
            shape = shapes.get(part, (HIDDEN, HIDDEN))
            add(f"l{number}.{part}.w", *shape)
            add(f"l{number}.{part}.b", shape[0])
    path.write_bytes(
        header_of_tiny_file() + _with_directory(tensors, start=len(header_of_tiny_file()))
    )
    return path


def header_of_tiny_file() -> bytes:
    text = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, text)]).astype("<u4")
    scores = -np.arange(len(PIECES), dtype="<f4")
    return b"".join(
        [
            struct.pack("<4sI", b"E5S1", 1),
            struct.pack("<7ifi", HIDDEN, LAYERS, HEADS, INNER, len(PIECES), 512, 2, 1e-12, 32),
            struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(offsets[-1])),
            offsets.tobytes(),
            scores.tobytes(),
            *text,
            struct.pack("<iI", 0, 0),
        ]
    )


def _with_directory(tensors: list[tuple[str, int, int, bytes]], *, start: int) -> bytes:
    size = 4 + sum(2 + len(name) + 21 for name, *_ in tensors)
    place = start + size
    entries = [struct.pack("<i", len(tensors))]
    for name, kind, count, content in tensors:
        entries.append(struct.pack("<H", len(name)) + name.encode())
        entries.append(struct.pack("<BIQQ", kind, count, place, len(content)))
        place += len(content)
    return b"".join([*entries, *(content for *_, content in tensors)])


def encoder(file: Path | None, cache: Path, *, sha256: str = "") -> MultilingualEmbedder:
    digest = sha256 or (hashlib.sha256(file.read_bytes()).hexdigest() if file else SHA256)
    return MultilingualEmbedder(weights=file, cache=cache, threads=1, sha256=digest)
