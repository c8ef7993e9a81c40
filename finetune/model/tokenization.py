"""Text to ids and back, with control tokens only where we put them.

`tokenizers` is enough: transformers takes seconds to import, and its versions disagree about BOS.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from finetune.errors import BaseModelError
from finetune.model.base_model import token_text
from finetune.model.chat_format import FORMATS, Piece
from finetune.model.chat_templates import ChatFormat
from ingest.foundation.messages import Message

PROBE = "Fly below 120 m!  \n\tdef f(a<b): return {'é': 1}\r\n\n无人机在 2026 年，电量剩余 15%。🛩️ "
"""Words, digits, code, white space, Chinese and an emoji: what a broken tokenizer loses."""

_COPY_AGAIN = Message("copy all files of the base model there once more")


class ChatTokenizer:
    """The tokenizer of a model folder. It adds nothing, cuts nothing and pads nothing by itself."""

    def __init__(self, tables: dict[str, Any], *, eos: str, pad: str, name: str) -> None:
        """Take the content of tokenizer.json; `name` is what messages call its folder.

        Raises:
            ValueError: `tables` describe no tokenizer.
        """
        self.name = name
        tables = without_space_prefix(tables)
        self._whole = _build_tokenizer(tables)
        # The added tokens that are text which a user may write, such as two line breaks.
        # SentencePiece's user-defined pieces (Gemma's line breaks and HTML tags) are in the
        # vocabulary itself, and servers find them in any text; control tokens of byte-level
        # models do not.
        marks = {mark for fmt in FORMATS for mark in fmt.controls}
        # Gemma 3 has 6,404 such tokens: looked up, not searched.
        vocabulary = tables["model"]["vocab"]
        texts = [
            token
            for token in tables["added_tokens"]
            if not token.get("special")
            and token["content"] in vocabulary
            and token["content"] not in marks
        ]
        # Without its control tokens: "<|im_end|>" in a question of a stranger is text to it.
        self._plain = _build_tokenizer({**tables, "added_tokens": texts})
        self._controls = {token["content"]: int(token["id"]) for token in tables["added_tokens"]}
        for token in texts:
            del self._controls[token["content"]]
        self.eos_id = self.control(eos)
        # Padding is masked and never learnt, so that any id will do.
        self.pad_id = self._controls.get(pad, self.eos_id)

    @property
    def size(self) -> int:
        """How many ids there are, control tokens with them."""
        return int(self._whole.get_vocab_size(with_added_tokens=True))

    @property
    def control_ids(self) -> frozenset[int]:
        """The ids that stand for control tokens, <think> and its like among them."""
        return frozenset(self._controls.values())

    def plain(self, text: str) -> list[int]:
        """Return the ids of a text in which nothing becomes a control token, whatever it holds."""
        # Half of a surrogate pair, which JSON can carry but UTF-8 cannot, becomes "?".
        valid = text.encode("utf-8", errors="replace").decode()
        ids: list[int] = self._plain.encode(valid, add_special_tokens=False).ids
        return ids

    def control(self, text: str) -> int:
        """Return the id of a control token.

        Raises:
            BaseModelError: the model does not know it.
        """
        if text not in self._controls:
            known = self._controls.keys()
            # Of those that fit the one with the most marks: Qwen3 knows those of ChatML as well.
            fitting = [
                fmt.name
                for fmt in sorted(FORMATS, key=lambda fmt: -len(fmt.controls))
                if set(fmt.controls) <= known
            ]
            raise BaseModelError(
                Message(
                    "{name}: the model has no control token {mark!r}", name=self.name, mark=text
                ),
                hint=Message('write format = "{fits}" under [model]', fits=fitting[0])
                if fitting
                else Message(
                    "take a base of DeepSeek-R1-Distill-Qwen (r1-think), Qwen2.5 (chatml), Qwen3 "
                    "(qwen3-direct), Llama 3 (llama3), Gemma 3 (gemma) or Mistral v0.3 (mistral)"
                ),
            )
        return self._controls[text]

    def encode(self, pieces: Iterable[Piece]) -> list[int]:
        """Return the ids of pieces, control tokens as such and all else as plain text."""
        ids: list[int] = []
        # Neighbouring texts are joined first, as a server gets them: a token may reach across.
        text = ""
        for piece in pieces:
            if not piece.control:
                text += piece.text
                continue
            ids += [*self.plain(text), self.control(piece.text)]
            text = ""
        return ids + self.plain(text)

    def decode(self, ids: Sequence[int], *, controls: bool = True) -> str:
        """Return the text of ids, without that of control tokens if not `controls`."""
        if not controls:
            ids = [one for one in ids if one not in self.control_ids]
        # Not `skip_special_tokens`: <think> is no "special" token of R1's tokenizer.
        return str(self._whole.decode(ids, skip_special_tokens=False))

    def require(self, fmt: ChatFormat) -> None:
        """Check that the model knows all control tokens of a format.

        Raises:
            BaseModelError: names the token, and the format that would fit.
        """
        for mark in fmt.controls:
            self.control(mark)

    def check(self) -> None:
        """Check that the tokenizer loses no text.

        Raises:
            BaseModelError: the probe does not come back as it was, or has other ids as plain text.
        """
        # Other ids without the control tokens: a tokenizer that lists whole words as "added".
        whole = self._whole.encode(PROBE, add_special_tokens=False).ids
        if self.plain(PROBE) != whole or self.decode(whole) != PROBE:
            raise BaseModelError(
                Message("{name}: the tokenizer does not give text back as it was", name=self.name),
                hint=_COPY_AGAIN,
            )


def load_tokenizer(folder: Path, *, fmt: ChatFormat | None = None) -> ChatTokenizer:
    """Return the tokenizer of a model folder, checked, and fit for `fmt` if one is named.

    Raises:
        BaseModelError: a file is missing or broken, text is lost, or a mark is unknown.
    """
    tables = _read_tables(folder / "tokenizer.json")
    config = _read_tables(folder / "tokenizer_config.json")
    eos = token_text(config.get("eos_token"))
    if not eos:  # a model that learns no end never stops to write
        raise BaseModelError(
            Message("{path} names no eos_token", path=folder / "tokenizer_config.json"),
            hint=_COPY_AGAIN,
        )
    try:
        tokenizer = ChatTokenizer(
            tables, eos=eos, pad=token_text(config.get("pad_token")), name=str(folder)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable_file(folder / "tokenizer.json") from error
    tokenizer.check()
    if fmt:
        tokenizer.require(fmt)
    return tokenizer


def without_space_prefix(tables: dict[str, Any]) -> dict[str, Any]:
    """Return the tables of tokenizer.json, with no space put before a text and none taken away.

    SentencePiece models such as Mistral's put one before the first word of a text. Our pieces are
    encoded one by one: each would get its own, where a server gives one to the whole prompt at
    most, and none to one that begins with BOS.
    """
    changed = dict(tables)
    splitting = tables.get("pre_tokenizer")
    if isinstance(splitting, dict) and splitting.get("type") == "Metaspace":
        changed["pre_tokenizer"] = {**splitting, "prepend_scheme": "never"}
    for name, steps_name, unwanted in (
        ("normalizer", "normalizers", "Prepend"),
        ("decoder", "decoders", "Strip"),
    ):
        step = tables.get(name)
        if isinstance(step, dict) and isinstance(step.get(steps_name), list):
            kept = [one for one in step[steps_name] if one.get("type") != unwanted]
            changed[name] = {**step, steps_name: kept}
    return changed


def _build_tokenizer(tables: dict[str, Any]) -> Tokenizer:
    text = json.dumps(tables, ensure_ascii=False)
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:
        # The Rust library raises the bare class for what it cannot read; a subclass is a bug.
        if type(error) is not Exception:
            raise
        raise ValueError(str(error)) from error
    # tokenizer.json may hold both, as they were when it was saved.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _read_tables(path: Path) -> dict[str, Any]:
    try:
        tables = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BaseModelError(Message("there is no {path}", path=path), hint=_COPY_AGAIN) from error
    except (OSError, ValueError) as error:
        raise _unreadable_file(path) from error
    if not isinstance(tables, dict):
        raise _unreadable_file(path)
    return tables


def _unreadable_file(path: Path) -> BaseModelError:
    return BaseModelError(Message("{path} cannot be read", path=path), hint=_COPY_AGAIN)
