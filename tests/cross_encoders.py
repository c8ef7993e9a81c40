"""Makes cross-encoders of a few kilobytes, which score pairs by the tokens that they share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

PAD, UNKNOWN, BEGIN, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"


def write_cross_encoder(
    folder: Path,
    *,
    vocabulary: Sequence[str],
    outputs: int = 1,
    place: str = "model.onnx",
    first_input: str = "input_ids",
) -> Path:
    """Write tokenizer.json and the model into `folder` and return it.

    The logit is the share of the question's tokens that the passage holds; of two outputs the first
    is its negative. Every word and ideograph of `vocabulary` is a token.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _tokenizer(vocabulary).save(str(folder / "tokenizer.json"))
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    from onnx import save

    save(_model(outputs, first_input), str(folder / place))
    return folder


def _tokenizer(vocabulary: Sequence[str]) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    normalizer = normalizers.BertNormalizer(lowercase=True, handle_chinese_chars=True)
    cut = pre_tokenizers.BertPreTokenizer()
    tokens = [PAD, UNKNOWN, BEGIN, END]
    for text in vocabulary:
        tokens += [token for token, _ in cut.pre_tokenize_str(normalizer.normalize_str(text))]
    ids = {token: place for place, token in enumerate(dict.fromkeys(tokens))}
    made = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    made.normalizer = normalizer
    made.pre_tokenizer = cut
    made.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A {END}",
        pair=f"{BEGIN} $A {END} $B:1 {END}:1",
        special_tokens=[(BEGIN, ids[BEGIN]), (END, ids[END])],
    )
    return made


def _model(outputs: int, first_input: str) -> Any:
    from onnx import TensorProto, helper

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> Any:
        return helper.make_node(kind, inputs, [output], **attributes)

    def numbers(name: str, values: list[int]) -> Any:
        return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)

    nodes = [
        # (batch, question token, passage token): whether both are one token of the vocabulary.
        node("Unsqueeze", [first_input, "two"], "down"),
        node("Unsqueeze", [first_input, "one"], "across"),
        node("Equal", ["down", "across"], "same"),
        node("Cast", ["same"], "equal", to=TensorProto.FLOAT),
        node("Greater", [first_input, "specials"], "is_word"),
        node("Cast", ["is_word"], "word", to=TensorProto.FLOAT),
        node("Cast", ["token_type_ids"], "second", to=TensorProto.FLOAT),
        node("Mul", ["second", "word"], "passage"),
        node("Sub", ["word", "passage"], "question"),
        node("Unsqueeze", ["passage", "one"], "passage_row"),
        node("Mul", ["equal", "passage_row"], "hits"),
        node("ReduceMax", ["hits", "two"], "held", keepdims=0),
        node("Mul", ["held", "question"], "counted"),
        node("ReduceSum", ["counted", "one"], "count", keepdims=1),
        node("ReduceSum", ["question", "one"], "length", keepdims=1),
        node("Add", ["length", "tiny"], "positive"),
        node("Div", ["count", "positive"], "share"),
        node("Neg", ["share"], "no"),
        node("Concat", ["share"] if outputs == 1 else ["no", "share"], "logits", axis=1)
        if outputs < 3
        else node("Concat", ["share"] * outputs, "logits", axis=1),
    ]
    shape = ["batch", "tokens"]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, shape)
        for name in (first_input, "attention_mask", "token_type_ids")
    ]
    graph = helper.make_graph(
        nodes,
        "overlap",
        inputs,
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", outputs])],
        [
            numbers("one", [1]),
            numbers("two", [2]),
            numbers("specials", [3]),
            helper.make_tensor("tiny", TensorProto.FLOAT, [1], [1e-6]),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
