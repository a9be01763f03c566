"""Text to key or value and back.

What a user types as a key or a value is a Python literal, and a value has one canonical text:

    text --parse--> value --show--> canonical text

Two keys are one key exactly when their canonical texts are equal. So `1`, `1.0` and `True` are three keys, though
Python's own `==` takes them for one, and `{'b': 1, 'a': 2}` and `{'a': 2, 'b': 1}` are one key.

Everything is bounded, because the text may come from anyone: its bytes are counted before it is read, a scanner
lets through only what a literal is made of, and what `ast.literal_eval` then returns must consist of the types below,
no deeper and no longer than the bounds below. `parse` and `show` share the bounds: what one returns, the other takes.

The scanner also keeps Python's parser from warning (`"\\d"`, `1if`). Warnings can be silenced only for all threads at
once (`warnings.catch_warnings` swaps a global list), so the text is made harmless instead.
"""

import ast
import math
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias

Literal: TypeAlias = object
"""None, bool, int, float, str, bytes, and tuples, lists, dicts and sets of them; exactly these types, no subclasses."""

MAX_BYTES = 64 * 1024
MAX_BITS = 1024
MAX_DIGITS = 4_000
MAX_DEPTH = 50
MAX_ITEMS = 10_000

_TYPES = "None, bool, int, float, str, bytes, tuple, list, dict and set"
_FOR_INSTANCE = """write for instance "name", 7, [1, 2] or {'key1': 'val1'}"""


class LiteralError(ValueError):
    """A text or a value is not a literal, or is out of bounds; the message is one line and says what to do."""


def parse(text: str) -> Literal:
    """Return the value that a Python literal stands for.

    >>> parse("{'key1': 'val1'}")
    {'key1': 'val1'}
    >>> try:
    ...     parse("hello")
    ... except LiteralError as error:
    ...     print(error)
    hello is not a Python literal; for text write "hello"

    Raises LiteralError for anything but one literal within the bounds, and for keys that Python would silently merge,
    as in `{1: 'a', True: 'b'}`.
    """
    _check_text("text", text)
    source = "".join(_without_warnings(token) for token in _scan(text))
    tree, value = _evaluate(source.strip(), text)
    show(value)
    _refuse_equal_keys(tree)
    return value


def show(value: Literal) -> str:
    """Return the canonical text of a value: equal for two keys exactly when they are one key.

    >>> show({"b": 1, "a": {3, 2}})
    "{'a': {2, 3}, 'b': 1}"
    >>> show(1), show(1.0), show(True)
    ('1', '1.0', 'True')

    Raises LiteralError for other types (see `Literal`), for infinite floats and lone surrogates, and out of bounds.
    """
    # Most keys and values are short; they skip the counting. Nothing here can be out of bounds.
    if type(value) is str and len(value) < 1000 and value.isascii():
        return repr(value)
    if type(value) is int and -(2**63) < value < 2**63:
        return repr(value)
    if value is None or value is True or value is False:
        return repr(value)
    if type(value) is float and -math.inf < value < math.inf:
        return repr(value)
    return _check_size(_Writer().write(value, 0))


def canonical(text: str) -> str:
    """Return the canonical text of the value that a text stands for.

    >>> canonical('{"b": 1, "a": 0x10}')
    "{'a': 16, 'b': 1}"

    Raises LiteralError as `parse` does.
    """
    return show(parse(text))


def split(line: str, most: int, *, least: int | None = None) -> list[str]:
    """Return the literals that stand on a line, as they were typed; white space outside brackets separates them.

    >>> split('"a string" {"k": [1, -2]}', 2)
    ['"a string"', '{"k": [1, -2]}']
    >>> split("7", 2, least=1)
    ['7']

    Raises LiteralError when there are more than `most` literals or fewer than `least` (which is `most` unless it is
    given), and when one of them is not a literal.
    """
    _check_text("line", line)
    _check_counts(most, least)
    pieces = _pieces(line)
    if not (most if least is None else least) <= len(pieces) <= most:
        raise LiteralError(_wrong_count(line.strip(), len(pieces), most, least))
    for piece in pieces:
        parse(piece)
    return pieces


# From text to value: the scanner.


class _Token(NamedTuple):
    kind: str
    text: str
    depth: int
    """How many brackets are open after it."""


# Where no alternative matches, the text is not a literal. Numbers must end where Python's parser would not warn (1if).
_TOKEN = re.compile(
    r"""
      (?P<space>  [ \t\f\r\n]+ )
    | (?P<string> (?i:br|rb|[bru])?
                  (?: '''(?:[^\\]|\\.)*?''' | '[^'\\\r\n]*(?:\\.[^'\\\r\n]*)*'
                    | \"""(?:[^\\]|\\.)*?\""" | "[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*" ) )
    | (?P<number> (?: 0[xX][0-9a-fA-F_]+ | 0[oO][0-7_]+ | 0[bB][01_]+
                    | (?: [0-9][0-9_]*(?:\.[0-9_]*)? | \.[0-9][0-9_]* ) (?:[eE][+-]?[0-9_]+)? [jJ]? )
                  (?![\w.]) )
    | (?P<word>   (?: None | True | False ) (?!\w) | set(?=\() )
    | (?P<sign>   [+-] (?=[ \t]*[0-9.(]) )
    | (?P<open>   [(\[{] )
    | (?P<close>  [)\]}] )
    | (?P<comma>  [,:] )
    | (?P<quote>  (?i:br|rb|[bru])? ['"] )
    """,
    re.VERBOSE | re.DOTALL,
)
_TRACKED = frozenset({"number", "open", "close", "comma", "quote"})
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_BARE_OUTSIDE_BRACKETS = re.compile(r"\S+|\s")
_BARE_INSIDE_BRACKETS = re.compile(r"""[^\s()\[\]{},:'"]+|.""", re.DOTALL)
_MEANT = {"true": "True", "false": "False", "null": "None", "none": "None"}


def _scan(text: str) -> Iterator[_Token]:
    """Cut a text into tokens, and refuse the first thing that no literal has."""
    closing: list[str] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise LiteralError(_bare(text, position, closing))
        kind, token, position = match.lastgroup, match[0], match.end()
        if kind in _TRACKED:
            _track(kind, token, text[match.start() : match.start() + 61], closing)
        yield _Token(kind, token, len(closing))
    if closing:
        raise LiteralError(f"expected {closing[-1]} before the end of {_short(text)}; close the bracket")


def _track(kind: str, token: str, rest: str, closing: list[str]) -> None:
    """Follow the brackets; `closing` holds the brackets that are still to come, the next one last."""
    if kind == "number":
        _check_digits(token)
    elif kind == "quote":
        raise LiteralError(f"expected a closing {token[-1]} on the line of {_short(rest)}; close the quote")
    elif kind == "open":
        _open(token, rest, closing)
    elif kind == "close":
        _close(token, rest, closing)
    elif not closing:
        raise LiteralError(_loose(token, rest))


def _check_digits(token: str) -> None:
    # Python's parser refuses 4,300 decimal digits, but not in words that help here.
    if len(token) > MAX_DIGITS:
        raise LiteralError(f"expected at most {MAX_DIGITS} digits, got {len(token)}: {_short(token)}; write it as text")


def _open(token: str, rest: str, closing: list[str]) -> None:
    # Counted before Python's parser sees the text: its own stack is not ours to fill.
    if len(closing) == MAX_DEPTH:
        raise LiteralError(_too_deep(_short(rest)))
    closing.append(_CLOSING[token])


def _close(token: str, rest: str, closing: list[str]) -> None:
    if not closing:
        raise LiteralError(f"expected an opening bracket before {_short(rest)}; {_FOR_INSTANCE}")
    expected = closing.pop()
    if token != expected:
        raise LiteralError(f"expected {expected}, got {_short(rest)}; each bracket is closed by its own kind")


def _loose(token: str, rest: str) -> str:
    # Without this, `put 1, 2` would store 2 under the tuple (1,).
    example = "a tuple write (1, 2)" if token == "," else "a dict write {'key1': 'val1'}"
    return f"expected no {token} outside brackets, got {_short(rest)}; for {example}"


def _bare(text: str, position: int, closing: list[str]) -> str:
    pattern = _BARE_INSIDE_BRACKETS if closing else _BARE_OUTSIDE_BRACKETS
    match = pattern.match(text, position)
    word = match[0] if match else text[position:]
    if not word.isprintable():
        return f"expected only plain spaces outside quotes, got {_short(word)}; put it in quotes or leave it out"
    if word in _MEANT:
        return f'{word} is not a Python literal; write {_MEANT[word]}, or for text "{word}"'
    return f"{_short(word)} is not a Python literal; for text write {_quoted(_short(word))}"


def _quoted(word: str) -> str:
    return repr(word) if '"' in word or "\\" in word else f'"{word}"'


def _pieces(line: str) -> list[str]:
    pieces = groupby(_scan(line), key=lambda token: token.kind == "space" and not token.depth)
    return ["".join(token.text for token in tokens) for is_gap, tokens in pieces if not is_gap]


def _wrong_count(line: str, came: int, most: int, least: int | None) -> str:
    expected = f"{most}" if least in (None, most) else f"{least} to {most}"
    noun = "literal" if expected == "1" else "literals"
    example = " ".join(['"name"', "7", "[1, 2]"][:most])
    what = f"{came}: {_short(line)}" if came else "none"
    return f"expected {expected} Python {noun}, got {what}; write for instance {example}"


# From text to value: escapes that would warn.

_ESCAPE = re.compile(r"\\([4-7][0-7]{2}|.)", re.DOTALL)
_BYTES_ESCAPES = frozenset("\r\n\\'\"abfnrtv01234567x")
_STR_ESCAPES = _BYTES_ESCAPES | frozenset("NuU")


def _without_warnings(token: _Token) -> str:
    r"""Spell `"\d"` as `"\\d"`: the same string, and Python's parser has nothing to warn of."""
    if token.kind != "string" or "\\" not in token.text:
        return token.text
    prefix = re.split("['\"]", token.text, maxsplit=1)[0].lower()
    if "r" in prefix:
        return token.text
    known = _BYTES_ESCAPES if "b" in prefix else _STR_ESCAPES
    return _ESCAPE.sub(lambda match: _escape(match, known), token.text)


def _escape(match: re.Match[str], known: frozenset[str]) -> str:
    if len(match[1]) == 3:
        raise LiteralError(f"expected an octal escape up to \\377, got {match[0]}; write \\u{int(match[1], 8):04x}")
    return match[0] if match[1] in known else "\\" + match[0]


# From text to value: Python's own parser.


def _evaluate(source: str, text: str) -> tuple[ast.expr, Literal]:
    try:
        tree = ast.parse(source, mode="eval").body
        return tree, ast.literal_eval(tree)
    except TypeError:
        raise LiteralError(_unhashable(text)) from None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        came = _short(text.strip()) or "none"
        raise LiteralError(f"expected one Python literal, got {came}; {_FOR_INSTANCE}") from None


def _unhashable(text: str) -> str:
    return f"expected keys and set elements without list, dict or set, got {_short(text)}; write a tuple (1, 2) there"


def _refuse_equal_keys(tree: ast.expr) -> None:
    # Without this, {1: 'a', True: 'b'} is {1: 'b'}: a value that nobody typed.
    for node in ast.walk(tree):
        if isinstance(node, ast.Set):
            _refuse_equal(node.elts)
        elif isinstance(node, ast.Dict):
            _refuse_equal(key for key in node.keys if key is not None)


def _refuse_equal(nodes: Iterable[ast.expr]) -> None:
    seen: dict[object, object] = {}
    for node in nodes:
        key = ast.literal_eval(node)
        if key in seen:
            pair = f"{_short(show(seen[key]))} and {_short(show(key))}"
            raise LiteralError(f"expected keys that differ, got {pair}, one key to Python; leave one out")
        seen[key] = key


# From value to text.


class _Writer:
    """Writes one value, and counts down what the bounds leave."""

    def __init__(self) -> None:
        self.items_left = MAX_ITEMS
        self.characters_left = MAX_BYTES

    def write(self, value: Literal, depth: int) -> str:
        """Return the canonical text of a value that stands inside `depth` brackets."""
        leaf = _LEAVES.get(type(value))
        if leaf is None:
            return self.write_container(value, depth + 1)
        text = leaf(value)
        self.characters_left -= len(text)
        # Without this, a list that holds one long string 10,000 times is written out in full before it is refused.
        if self.characters_left < 0:
            raise LiteralError(_too_long("more"))
        return text

    def write_container(self, value: Literal, depth: int) -> str:
        if type(value) is list:
            return "[" + ", ".join(self.write_all(value, depth)) + "]"
        if type(value) is tuple:
            return "(" + ", ".join(self.write_all(value, depth)) + (",)" if len(value) == 1 else ")")
        if type(value) is set:
            elements = sorted(self.write_all(value, depth))
            return "{" + ", ".join(elements) + "}" if elements else "set()"
        if type(value) is dict:
            return self.write_dict(value, depth)
        raise LiteralError(f"expected {_TYPES}, got a value of type {_short(type(value).__name__)}; convert it first")

    def write_dict(self, value: dict[object, object], depth: int) -> str:
        keys = self.write_all(value, depth)
        values = [self.write(item, depth) for item in value.values()]
        return "{" + ", ".join(f"{key}: {item}" for key, item in sorted(zip(keys, values))) + "}"

    def write_all(
        self, values: list[object] | tuple[object, ...] | set[object] | dict[object, object], depth: int
    ) -> list[str]:
        """Return the text of each element (of a dict: each key)."""
        self.count(len(values), depth)
        return [self.write(value, depth) for value in values]

    def count(self, items: int, depth: int) -> None:
        # The depth also ends a list that contains itself.
        if depth > MAX_DEPTH:
            raise LiteralError(_too_deep("more (or a list or dict that contains itself)"))
        self.items_left -= items
        if self.items_left < 0:
            raise LiteralError(f"expected at most {MAX_ITEMS} items in all, got more; put fewer under one key")


def _write_int(value: int) -> str:
    if value.bit_length() > MAX_BITS:
        raise LiteralError(
            f"expected an int of at most {MAX_BITS} bits, got one of {value.bit_length()} bits; write it as text"
        )
    return repr(value)


def _write_float(value: float) -> str:
    if not math.isfinite(value):
        raise LiteralError(f'expected a finite float, got {value!r}; for text write "{value!r}"')
    return repr(value)


def _write_str(value: str) -> str:
    _check_length(value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise LiteralError(f"expected text that UTF-8 can encode, got {_short(value)}; {_NO_SURROGATES}") from None
    return repr(value)


def _write_bytes(value: bytes) -> str:
    _check_length(value)
    return repr(value)


# Any, because a table cannot say that each type stands beside its own function.
_LEAVES: dict[type, Callable[[Any], str]] = {
    type(None): repr,
    bool: repr,
    int: _write_int,
    float: _write_float,
    str: _write_str,
    bytes: _write_bytes,
}


# Bounds and messages.

_NO_SURROGATES = "leave out lone surrogates (U+D800 to U+DFFF)"


def _check_text(name: str, text: str) -> None:
    if not isinstance(text, str):
        raise LiteralError(f"expected {name} to be a str, got a value of type {_short(type(text).__name__)}; quote it")
    if len(text) > MAX_BYTES:
        raise LiteralError(_too_long(f"{len(text)} characters: {_short(text)}"))
    try:
        _check_size(text)
    except UnicodeEncodeError:
        raise LiteralError(f"expected {name} that UTF-8 can encode, got {_short(text)}; {_NO_SURROGATES}") from None


def _check_counts(most: int, least: int | None) -> None:
    if type(most) is not int or most < 1:
        raise LiteralError(f"expected most to be an int of at least 1, got {_shown(most)}; write for instance 2")
    if least is not None and (type(least) is not int or not 0 <= least <= most):
        raise LiteralError(f"expected least to be an int from 0 to {most}, got {_shown(least)}; leave it out")


def _check_size(text: str) -> str:
    size = len(text) if text.isascii() else len(text.encode())
    if size > MAX_BYTES:
        raise LiteralError(_too_long(f"{size}: {_short(text)}"))
    return text


def _check_length(value: str | bytes) -> None:
    if len(value) > MAX_BYTES:
        raise LiteralError(_too_long(f"a {type(value).__name__} of length {len(value)}"))


def _too_long(came: str) -> str:
    return f"expected at most {MAX_BYTES} bytes of text, got {came}; put less under one key"


def _too_deep(came: str) -> str:
    return f"expected at most {MAX_DEPTH} brackets inside one another, got {came}; nest less deeply"


def _shown(value: object) -> str:
    """Return what came as a word in a message, whatever it is."""
    try:
        return _short(show(value))
    except LiteralError:
        return f"a value of type {_short(type(value).__name__)}"


def _short(text: str) -> str:
    """Return a text as one line of at most 60 printable characters."""
    start = "".join(map(_printable, text[:61]))
    return start if len(start) <= 60 else start[:57] + "..."


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
