"""Text to ids and back, with control tokens only where we put them.

`tokenizers` is enough: transformers takes seconds to import, and its versions disagree about BOS.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from finetune.errors import BaseModelError
from finetune.model.chat_format import FORMATS, ChatFormat, Piece
from ingest.foundation.messages import Message

PROBE = "Fly below 120 m!  \n\tdef f(a<b): return {'é': 1}\r\n\n无人机在 2026 年，电量剩余 15%。🛩️ "
"""Words, digits, code, white space, Chinese and an emoji: what a broken tokenizer trips over."""


class ChatTokenizer:
    """The tokenizer of a model folder. Nothing is added, cut or padded unasked."""

    def __init__(self, tables: dict[str, Any], *, eos: str, pad: str, name: str) -> None:
        """Take the content of tokenizer.json; `name` is what messages call its folder.

        A `pad` that the model does not know is replaced by `eos`: what fills up is never learnt.

        Raises:
            ValueError: `tables` describe no tokenizer.
        """
        self.name = name
        self._whole = _tokenizer(tables)
        self._plain = _tokenizer({**tables, "added_tokens": []})
        self._controls = {token["content"]: int(token["id"]) for token in tables["added_tokens"]}
        self.eos_id = self.control(eos)
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
        """Return the ids of a text in which nothing becomes a control token, whatever it says."""
        ids: list[int] = self._plain.encode(_valid(text), add_special_tokens=False).ids
        return ids

    def control(self, text: str) -> int:
        """Return the id of a control token.

        Raises:
            BaseModelError: the model does not know it.
        """
        if text not in self._controls:
            raise _missing(self.name, text, fits=self._fitting())
        return self._controls[text]

    def encode(self, pieces: Iterable[Piece]) -> list[int]:
        """Return the ids of pieces; neighbouring texts are one text, as they are for a server."""
        ids: list[int] = []
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
        return str(self._whole.decode(ids, skip_special_tokens=False))

    def require(self, fmt: ChatFormat) -> None:
        """Refuse a format whose marks the model does not know.

        Raises:
            BaseModelError: names the mark, and the format that would fit.
        """
        for mark in fmt.controls:
            self.control(mark)

    def check(self) -> None:
        """Refuse a tokenizer that loses text, or takes it for something else without its marks.

        Raises:
            BaseModelError: the probe does not come back as it was, or has other ids.
        """
        whole = self._whole.encode(PROBE, add_special_tokens=False).ids
        if self.plain(PROBE) != whole or self.decode(whole) != PROBE:
            raise BaseModelError(
                Message("{name}: the tokenizer does not give text back as it was", name=self.name),
                hint=_COPY_AGAIN,
            )

    def _fitting(self) -> tuple[str, ...]:
        return tuple(fmt.name for fmt in FORMATS if set(fmt.controls) <= self._controls.keys())


def load_tokenizer(folder: Path, *, fmt: ChatFormat | None = None) -> ChatTokenizer:
    """Return the tokenizer of a model folder, checked, and fit for `fmt` if one is named.

    Raises:
        BaseModelError: a file is missing or broken, text is lost, or a mark is unknown.
    """
    tables = _read(folder / "tokenizer.json")
    config = _read(folder / "tokenizer_config.json")
    eos = _content(config.get("eos_token"))
    if not eos:
        raise _endless(folder / "tokenizer_config.json")
    try:
        tokenizer = ChatTokenizer(
            tables, eos=eos, pad=_content(config.get("pad_token")), name=str(folder)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _broken(folder / "tokenizer.json") from error
    tokenizer.check()
    if fmt:
        tokenizer.require(fmt)
    return tokenizer


def _tokenizer(tables: dict[str, Any]) -> Tokenizer:
    text = json.dumps(tables, ensure_ascii=False)
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:
        if type(error) is not Exception:  # what the library cannot read is the bare class itself
            raise
        raise ValueError(str(error)) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _read(path: Path) -> dict[str, Any]:
    try:
        tables = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BaseModelError(Message("there is no {path}", path=path), hint=_COPY_AGAIN) from error
    except (OSError, ValueError) as error:
        raise _broken(path) from error
    if not isinstance(tables, dict):
        raise _broken(path)
    return tables


def _content(token: object) -> str:
    """Return the text of a token as tokenizer_config.json has it: a string, or a table."""
    return str(token.get("content") or "") if isinstance(token, dict) else str(token or "")


def _valid(text: str) -> str:
    """Return text that UTF-8 can write: half a surrogate pair becomes "?"."""
    return text.encode("utf-8", errors="replace").decode()


_COPY_AGAIN = Message("copy all files of the base model there once more")


def _broken(path: Path) -> BaseModelError:
    return BaseModelError(Message("{path} cannot be read", path=path), hint=_COPY_AGAIN)


def _endless(path: Path) -> BaseModelError:
    return BaseModelError(Message("{path} names no eos_token", path=path), hint=_COPY_AGAIN)


def _missing(name: str, mark: str, *, fits: Sequence[str]) -> BaseModelError:
    return BaseModelError(
        Message("{name}: the model has no control token {mark!r}", name=name, mark=mark),
        hint=Message('write format = "{fits}" under [model]', fits=fits[0])
        if fits
        else Message("take a base of DeepSeek-R1-Distill-Qwen (r1-think) or of Qwen2.5 (chatml)"),
    )
