"""Reads and computes sums: "12*7", "What is 15% of 80?", "3的平方是多少".

Only what is surely a sum is computed: "24/7", "2024-03-03" and "9/11" are looked up like any words.
"""

import ast
import operator
import re
import unicodedata
from collections.abc import Callable
from fractions import Fraction

from ingest.text.numerals import parse_numeral

MAX_SUM_CHARACTERS = 120
"""Characters; a longer one is a paste, and the parser must not nest without end."""

MAX_BITS = 2_000
"""Bits of an intermediate result: 9**9**9 would fill the memory."""

DECIMALS = 10
"""Places of a quotient that does not end."""

_ASKING = re.compile(
    r"^(?:(?:please|can you|could you|请问|请|帮我|麻烦你?)\s*)*"
    r"(?:what(?:'s| is| does)|how much (?:is|are)|calculate|compute|work out|solve|算一下|计算一下"
    r"|算算|计算|求)?[\s:：]*(?P<sum>.+?)\s*"
    r"(?:(?:等于|是|得)(?:多少|几|什么)?|equals?(?: what)?|=)?[\s?？。.!！=]*$",
    re.IGNORECASE | re.DOTALL,
)
_SAYS_SUM = re.compile(r"calculate|compute|work out|how much|算|等于|=", re.IGNORECASE)
_NUMERAL_ZH = re.compile(r"[零〇一二两三四五六七八九十百千万亿]+")
_SPELLINGS = tuple(
    (re.compile(pattern, re.IGNORECASE), sign)
    for pattern, sign in (
        (r"(?<=\d),(?=\d{3}(?!\d))", ""),
        (r"(\d+(?:\.\d+)?)\s*(?:%|percent)\s*(?:of\b|的)\s*(\d+(?:\.\d+)?)", r"(\1/100)*\2"),
        (r"百分之\s*(\d+(?:\.\d+)?)", r"(\1/100)"),
        (r"(\d+(?:\.\d+)?)\s*的\s*(\d+(?:\.\d+)?)\s*次方", r"\1**\2"),
        (r"\s*(?:的平方|squared|²)(?!根)", "**2"),
        (r"\s*(?:的立方|cubed|³)(?!根)", "**3"),
        (r"\s*(?:\^|to the power of|raised to)\s*", "**"),
        (r"\s*(?:×|⋅|乘以|乘|\btimes\b|\bmultiplied by\b|(?<=\d)\s+x\s+(?=\d))\s*", "*"),
        (r"\s*(?:÷|除以|\bdivided by\b)\s*", "/"),
        (r"\s*(?:\bplus\b|加上?)\s*", "+"),
        (r"\s*(?:\bminus\b|减去?|−)\s*", "-"),
    )
)
_SUM = re.compile(r"[\d\s.+\-*/()]+")
_OPERATORS = re.compile(r"[*+]|(?<=[\s)])[-/](?=[\s(\d])")
_DATE_OR_RATIO = re.compile(r"\d+(?:\s*[-/]\s*\d+)+")


class SumError(ValueError):
    """A sum without a value: division by zero, or one too large to write down."""


def parse_sum(text: str) -> str | None:
    """Return the sum that a question asks for, in Python's notation; None if it is no sum."""
    found = _ASKING.match(unicodedata.normalize("NFKC", text.strip().replace("²", "^2")))
    if found is None or len(text) > MAX_SUM_CHARACTERS:
        return None
    written = _NUMERAL_ZH.sub(lambda digits: parse_numeral(digits[0]) or digits[0], found["sum"])
    for pattern, sign in _SPELLINGS:
        written = pattern.sub(sign, written)
    written = written.strip()
    if not _SUM.fullmatch(written) or len(re.findall(r"\d+", written)) < 2:
        return None
    # "What is 24/7?" and "2024-03-03" are names and dates unless somebody says that it is a sum.
    unspaced = _DATE_OR_RATIO.fullmatch(written) and not _OPERATORS.search(written)
    if unspaced and not _SAYS_SUM.search(text) and written == found["sum"].strip():
        return None
    return written if re.search(r"\d\s*\)*\s*[-+*/]", written) and _tree(written) else None


def compute_sum(written: str) -> str:
    """Return the value of what `parse_sum` returned, exact where it can be written so.

    Raises:
        SumError: it has no value, or one too large.
    """
    tree = _tree(written)
    if tree is None:
        raise SumError(written)
    value = _value(tree)
    if value.denominator == 1:
        return str(value.numerator)
    places = f"{float(value):.{DECIMALS}f}".rstrip("0").rstrip(".")
    return places if Fraction(places) == value else f"≈ {float(value):.{DECIMALS}g}"


def _tree(written: str) -> ast.expr | None:
    try:
        # A leading zero is no octal number here, and none in Python: 07 would be refused.
        plain = re.sub(r"(?<![\d.])0+(?=\d)", "", " ".join(written.split()))
        return ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


_BINARY: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _value(node: ast.expr) -> Fraction:
    """Return the value of a node; only numbers and six operators are known."""
    match node:
        case ast.Constant(value=int() | float()):
            return Fraction(str(node.value))
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand)
        case ast.UnaryOp(op=ast.UAdd()):
            return _value(node.operand)
        case ast.BinOp(op=ast.Pow()):
            base, exponent = _value(node.left), _value(node.right)
            if exponent.denominator != 1 or (not base and exponent < 0):
                raise SumError("no such power")
            # Before it is computed: 9**9**9 has 370 million digits.
            bits = max(base.numerator.bit_length(), base.denominator.bit_length())
            if bits * abs(exponent) > MAX_BITS:
                raise SumError("too large")
            return base ** int(exponent)
        case ast.BinOp() if type(node.op) in _BINARY:
            try:
                return _BINARY[type(node.op)](_value(node.left), _value(node.right))
            except ZeroDivisionError as error:
                raise SumError("division by zero") from error
    raise SumError(ast.dump(node))
