"""Claims about `paxoskit.protocol.literals`: one text a value, nothing else gets in, nothing leaks out."""

import ast
import doctest
import math
import os
import random
import subprocess
import sys
import warnings
from collections import OrderedDict
from enum import IntEnum

import pytest

from paxoskit.protocol import literals
from paxoskit.protocol.literals import LiteralError, canonical, parse, show, split

CASES = 2_000


def typed(value):
    """Return a form of a value that is equal only for the same types all the way down (and the same zero)."""
    if type(value) is dict:
        return dict, frozenset((typed(key), typed(item)) for key, item in value.items())
    if type(value) is set:
        return set, frozenset(map(typed, value))
    if type(value) in (list, tuple):
        return type(value), tuple(map(typed, value))
    return type(value), value, type(value) is float and math.copysign(1, value)


def message(call, *arguments, **keywords):
    """Return the message with which a call is refused, and hold every message to one short line."""
    with pytest.raises(LiteralError) as caught:
        call(*arguments, **keywords)
    text = str(caught.value)
    assert text.isprintable() and len(text) < 250
    return text


# Random literals, from a seed.

LEAVES = [
    lambda dice: None,
    lambda dice: dice.random() < 0.5,
    lambda dice: dice.randint(-3, 3),
    lambda dice: dice.choice([1, -1]) * dice.getrandbits(dice.choice([8, 64, 1024])),
    lambda dice: dice.choice([0.0, -0.0, 1.0, -1.5, 1e300, 5e-324, 0.1]),
    lambda dice: dice.uniform(-1e6, 1e6),
    lambda dice: "".join(dice.choice("ab'\"\\ \n\t\0\u202eé😀{[(,:#-") for _ in range(dice.randrange(8))),
    lambda dice: dice.randbytes(dice.randrange(6)),
]


def a_key(dice, depth=0):
    if depth < 3 and dice.random() < 0.2:
        return tuple(a_key(dice, depth + 1) for _ in range(dice.randrange(4)))
    return dice.choice(LEAVES)(dice)


def a_literal(dice, depth=0):
    if depth > 4 or dice.random() < 0.4:
        return a_key(dice, depth)
    size = dice.randrange(5)
    kind = dice.choice([list, tuple, set, dict])
    if kind is set:
        return {a_key(dice) for _ in range(size)}
    if kind is dict:
        return {a_key(dice): a_literal(dice, depth + 1) for _ in range(size)}
    return kind(a_literal(dice, depth + 1) for _ in range(size))


def shuffled(dice, value):
    """Return an equal value whose dicts and sets were filled in another order."""
    if type(value) in (list, tuple):
        return type(value)(shuffled(dice, item) for item in value)
    if type(value) is set:
        return set(dice.sample(list(value), len(value)))
    if type(value) is dict:
        return {key: shuffled(dice, value[key]) for key in dice.sample(list(value), len(value))}
    return value


@pytest.fixture(scope="module")
def random_literals():
    dice = random.Random(2_024)
    return [a_literal(dice) for _ in range(CASES)]


def test_what_is_shown_parses_to_the_same_value_with_the_same_types(random_literals):
    assert [typed(parse(show(value))) for value in random_literals] == [typed(value) for value in random_literals]


def test_canonical_text_is_its_own_canonical_text(random_literals):
    texts = [show(value) for value in random_literals]
    assert [canonical(text) for text in texts] == texts


def test_random_values_have_equal_text_exactly_when_they_are_equal_with_types(random_literals):
    assert len({show(value) for value in random_literals}) == len({typed(value) for value in random_literals})


def test_the_order_of_dicts_and_sets_does_not_matter(random_literals):
    dice = random.Random(7)
    assert [show(shuffled(dice, value)) for value in random_literals] == [show(value) for value in random_literals]


def test_python_writes_what_parse_reads(random_literals):
    assert [typed(parse(repr(value))) for value in random_literals] == [typed(value) for value in random_literals]


def test_two_literals_on_a_line_come_apart_as_they_were_typed(random_literals):
    texts = [repr(value) for value in random_literals]
    pairs = [list(pair) for pair in zip(texts, reversed(texts))]
    assert [split(f" {key}  {value}\n", 2) for key, value in pairs] == pairs


# Canonical text.


@pytest.mark.parametrize(
    "value, text",
    [
        (None, "None"),
        (True, "True"),
        (-7, "-7"),
        (2**63, "9223372036854775808"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e16, "1e+16"),
        ("it's", '"it\'s"'),
        ("é\n", "'é\\n'"),
        (b"\0a", "b'\\x00a'"),
        ((), "()"),
        ((1,), "(1,)"),
        ((1, [2]), "(1, [2])"),
        ([], "[]"),
        (set(), "set()"),
        ({3, 20, 100}, "{100, 20, 3}"),
        ({}, "{}"),
        ({"b": 1, "a": 2}, "{'a': 2, 'b': 1}"),
        ({1: {"y": {2, 1}, "x": ()}, None: 0}, "{1: {'x': (), 'y': {1, 2}}, None: 0}"),
    ],
)
def test_each_value_has_one_text(value, text):
    assert show(value) == text
    assert typed(parse(text)) == typed(value)


def test_one_and_one_point_zero_and_true_are_different_keys():
    assert [canonical(text) for text in ("1", "1.0", "True")] == ["1", "1.0", "True"]


def test_one_and_true_are_different_keys_inside_a_tuple_or_a_dict():
    assert show((1, {1: 1})) == "(1, {1: 1})"
    assert show((True, {True: True})) == "(True, {True: True})"


def test_zero_and_minus_zero_are_different_keys():
    assert [canonical("0.0"), canonical("-0.0")] == ["0.0", "-0.0"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("{'b':1,'a':2}", "{'a': 2, 'b': 1}"),
        ("{ 'a' : 2, 'b' : 1, }", "{'a': 2, 'b': 1}"),
        ('"key"', "'key'"),
        ("'''key'''", "'key'"),
        ('"a" "b"', "'ab'"),
        ("u'a'", "'a'"),
        ("Rb'\\d'", "b'\\\\d'"),
        ("0x_ff", "255"),
        ("1_000", "1000"),
        ("+1", "1"),
        ("- 1", "-1"),
        ("1.", "1.0"),
        (".5e-1", "0.05"),
        ("(1)", "1"),
        ("\n [1,\n 2]\r\n", "[1, 2]"),
        ("'''a\r\nb'''", "'a\\nb'"),
        ("'a\\\nb'", "'ab'"),
    ],
)
def test_spelling_does_not_matter(text, expected):
    assert canonical(text) == expected


def test_a_value_changed_after_show_leaves_the_text_as_it_was():
    value = [1]
    text = show(value)
    value.append(2)
    assert text == "[1]"


def test_one_list_twice_inside_another_is_no_cycle():
    shared = [1]
    assert show([shared, shared]) == "[[1], [1]]"


# What is not a literal.


@pytest.mark.parametrize(
    "text, expected",
    [
        ("hello", 'hello is not a Python literal; for text write "hello"'),
        ("hello world", 'hello is not a Python literal; for text write "hello"'),
        ("http://x.org/a", 'http://x.org/a is not a Python literal; for text write "http://x.org/a"'),
        ("it's", "it's is not a Python literal; for text write \"it's\""),
        ("print('x')", "print('x') is not a Python literal; for text write \"print('x')\""),
        ('f"{x}"', 'f"{x}" is not a Python literal; for text write \'f"{x}"\''),
        ("[1, hello]", 'hello is not a Python literal; for text write "hello"'),
        ("{key: 1}", 'key is not a Python literal; for text write "key"'),
        ("3rd", '3rd is not a Python literal; for text write "3rd"'),
        ("1.2.3", '1.2.3 is not a Python literal; for text write "1.2.3"'),
        ("--1", '--1 is not a Python literal; for text write "--1"'),
        ("...", '... is not a Python literal; for text write "..."'),
        ("nan", 'nan is not a Python literal; for text write "nan"'),
        ("set", 'set is not a Python literal; for text write "set"'),
        ("1 # one", '# is not a Python literal; for text write "#"'),
        ("true", 'true is not a Python literal; write True, or for text "true"'),
        ("[null]", 'null is not a Python literal; write None, or for text "null"'),
        ("x" * 61, f'{"x" * 57}... is not a Python literal; for text write "{"x" * 57}..."'),
    ],
)
def test_bare_words_are_refused_and_the_message_says_to_quote_them(text, expected):
    assert message(parse, text) == expected


EXAMPLE = """write for instance "name", 7, [1, 2] or {'key1': 'val1'}"""


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", f"expected one Python literal, got none; {EXAMPLE}"),
        (" \n", f"expected one Python literal, got none; {EXAMPLE}"),
        ("1 -2", f"expected one Python literal, got 1 -2; {EXAMPLE}"),
        ("1 2", f"expected one Python literal, got 1 2; {EXAMPLE}"),
        ("[1 2]", f"expected one Python literal, got [1 2]; {EXAMPLE}"),
        ("'a'[0]", f"expected one Python literal, got 'a'[0]; {EXAMPLE}"),
        ("set([1])", f"expected one Python literal, got set([1]); {EXAMPLE}"),
        ("'a\0b'", f"expected one Python literal, got 'a\\x00b'; {EXAMPLE}"),
        ("'\\x1'", f"expected one Python literal, got '\\x1'; {EXAMPLE}"),
        ("012", f"expected one Python literal, got 012; {EXAMPLE}"),
        ("1, 2", "expected no , outside brackets, got , 2; for a tuple write (1, 2)"),
        ("'a': 1", "expected no : outside brackets, got : 1; for a dict write {'key1': 'val1'}"),
        ("'abc", "expected a closing ' on the line of 'abc; close the quote"),
        ("b'a\nb'", "expected a closing ' on the line of b'a\\nb'; close the quote"),
        ("[1, (2, 3", "expected ) before the end of [1, (2, 3; close the bracket"),
        ("[1)", "expected ], got ); each bracket is closed by its own kind"),
        ("1]", f"expected an opening bracket before ]; {EXAMPLE}"),
        ("1\u00a02", "expected only plain spaces outside quotes, got \\xa0; put it in quotes or leave it out"),
    ],
)
def test_what_is_not_one_literal_is_refused_in_one_line(text, expected):
    assert message(parse, text) == expected


ALLOWED = "None, bool, int, float, str, bytes, tuple, list, dict and set"


class Small(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    "value, name",
    [
        (1j, "complex"),
        (..., "ellipsis"),
        (frozenset({1}), "frozenset"),
        (bytearray(b"a"), "bytearray"),
        (range(3), "range"),
        (Small.ONE, "Small"),
        (OrderedDict(a=1), "OrderedDict"),
        (type("text", (str,), {})("a"), "text"),
        (lambda: None, "function"),
        (int, "type"),
    ],
)
def test_other_types_and_subclasses_are_refused_at_any_depth(value, name):
    expected = f"expected {ALLOWED}, got a value of type {name}; convert it first"
    assert message(show, value) == expected
    assert message(show, [{"key": (value,)}]) == expected


def test_complex_numbers_are_refused_as_text():
    assert message(parse, "1+2j") == f"expected {ALLOWED}, got a value of type complex; convert it first"


@pytest.mark.parametrize("text", ["{[1]: 2}", "{[1], 2}", "{{1: 2}: 3}", "{({1},): 2}", "[{[]}]"])
def test_keys_that_can_change_are_refused(text):
    expected = f"expected keys and set elements without list, dict or set, got {text}; write a tuple (1, 2) there"
    assert message(parse, text) == expected


@pytest.mark.parametrize(
    "text, pair",
    [
        ("{1: 'a', True: 'b'}", "1 and True"),
        ("{1, True}", "1 and True"),
        ("{0.0, -0.0}", "0.0 and -0.0"),
        ("{'a': 1, 'a': 2}", "'a' and 'a'"),
        ("[({(1, 'x'): 1, (1.0, 'x'): 2},)]", "(1, 'x') and (1.0, 'x')"),
    ],
)
def test_keys_that_python_would_merge_are_refused(text, pair):
    assert message(parse, text) == f"expected keys that differ, got {pair}, one key to Python; leave one out"


# Bounds.

HUGE = 1 << 10_000_000


@pytest.mark.parametrize("sign", [1, -1])
def test_an_int_has_at_most_1024_bits(sign):
    largest = sign * (2**1024 - 1)
    assert parse(show(largest)) == largest
    expected = "expected an int of at most 1024 bits, got one of 1025 bits; write it as text"
    assert message(show, sign * 2**1024) == expected
    assert message(parse, hex(sign * 2**1024)) == expected


def test_a_huge_int_is_refused_without_writing_it_out():
    expected = "expected an int of at most 1024 bits, got one of 10000001 bits; write it as text"
    assert message(show, HUGE) == expected


@pytest.mark.parametrize("text", ["9" * 5_000, "0x" + "f" * 60_000, "0." + "1" * 5_000])
def test_a_number_has_at_most_4000_digits(text):
    expected = f"expected at most 4000 digits, got {len(text)}: {text[:57]}...; write it as text"
    assert message(parse, text) == expected


@pytest.mark.parametrize("text, name", [("1e999", "inf"), ("-1e999", "-inf"), ("[1e999]", "inf")])
def test_floats_are_finite(text, name):
    expected = f'expected a finite float, got {name}; for text write "{name}"'
    assert message(parse, text) == expected
    assert message(show, float(name)) == expected


def test_nan_is_refused():
    assert message(show, (math.nan,)) == 'expected a finite float, got nan; for text write "nan"'


SURROGATES = "leave out lone surrogates (U+D800 to U+DFFF)"


def test_lone_surrogates_are_refused_however_they_come():
    expected = f"expected text that UTF-8 can encode, got a\\ud800; {SURROGATES}"
    assert message(show, "a\ud800") == expected
    assert message(show, {"a\ud800": 1}) == expected
    assert message(parse, "'a\\ud800'") == expected
    assert message(parse, "'a\ud800'") == f"expected text that UTF-8 can encode, got 'a\\ud800'; {SURROGATES}"


def around(depth, value):
    """Return a value inside `depth` brackets."""
    for _ in range(depth):
        value = [value]
    return value


def test_fifty_brackets_fit_inside_one_another_and_fifty_one_do_not():
    assert parse(show(around(50, 0))) == around(50, 0)
    assert "expected at most 50 brackets inside one another" in message(show, around(51, 0))
    assert message(parse, "[" * 51 + "]" * 51) == (
        f"expected at most 50 brackets inside one another, got [{']' * 51}; nest less deeply"
    )


def test_an_empty_set_is_as_deep_as_its_text():
    assert "expected at most 50 brackets" in message(show, around(50, set()))
    assert parse(show(around(49, set()))) == around(49, set())


def test_a_list_or_dict_that_contains_itself_is_refused():
    ring: list = [1]
    ring.append({"again": ring})
    assert message(show, ring) == (
        "expected at most 50 brackets inside one another, got more (or a list or dict that contains itself); "
        "nest less deeply"
    )


TOO_MANY = "expected at most 10000 items in all, got more; put fewer under one key"


@pytest.mark.parametrize("kind", [list, tuple, set])
def test_ten_thousand_items_fit(kind):
    assert typed(parse(show(kind(range(10_000))))) == typed(kind(range(10_000)))


@pytest.mark.parametrize("kind", [list, tuple, set, dict.fromkeys])
def test_ten_thousand_and_one_items_do_not_fit(kind):
    assert message(show, kind(range(10_001))) == TOO_MANY


def test_a_pair_in_a_dict_is_one_item():
    assert message(show, [dict.fromkeys(range(5_000), 0), [0] * 4_999]) == TOO_MANY
    value = [dict.fromkeys(range(5_000), 0), [0] * 4_998]
    assert parse(show(value)) == value


def test_items_are_counted_in_all_not_a_list_at_a_time():
    assert message(show, [[0] * 6_000, [0] * 6_000]) == TOO_MANY
    assert message(parse, "[" + "0," * 10_001 + "]") == TOO_MANY


def test_few_lists_that_stand_for_very_many_items_are_refused():
    value = [0] * 10
    for _ in range(40):
        value = [value] * 10
    assert message(show, value) == TOO_MANY


@pytest.mark.parametrize("character, width", [("a", 1), ("é", 2), ("😀", 4)])
def test_text_has_at_most_64_kib_of_utf_8(character, width):
    fits = (64 * 1024 - 2) // width
    assert parse(show(character * fits)) == character * fits
    assert "expected at most 65536 bytes of text, got " in message(show, character * (fits + 1))
    assert "expected at most 65536 bytes of text, got " in message(parse, f"'{character * (fits + 1)}'")


def test_one_long_string_many_times_is_refused():
    long = "a" * 60_000
    assert message(show, [long] * 10_000) == "expected at most 65536 bytes of text, got more; put less under one key"


def test_a_long_string_or_bytes_is_refused_before_it_is_copied():
    assert message(show, "a" * 10**7) == (
        "expected at most 65536 bytes of text, got a str of length 10000000; put less under one key"
    )
    assert message(show, b"a" * 10**7) == (
        "expected at most 65536 bytes of text, got a bytes of length 10000000; put less under one key"
    )


def test_text_whose_canonical_text_would_be_too_long_is_refused():
    assert "expected at most 65536 bytes of text" in message(parse, "'" + "\x01" * 20_000 + "'")


@pytest.mark.parametrize(
    "text",
    ["[" + "0," * 3_000_000 + "]", "0x" + "f" * 1_000_000, "(" * 6_000_000, "é" * 6_000_000],
    ids=["six megabytes of list", "a million hexadecimal digits", "six million brackets", "six million letters"],
)
def test_long_text_is_refused_before_python_parses_it(monkeypatch, text):
    monkeypatch.setattr(literals, "_scan", None)
    expected = f"got {len(text)} characters: {text[:57]}...; put less under one key"
    assert message(parse, text) == f"expected at most 65536 bytes of text, {expected}"
    assert message(split, text, 2) == f"expected at most 65536 bytes of text, {expected}"


@pytest.mark.parametrize("unit", ["1+", "-", "(", "[", "{", "{1:", "not ", "'", "\\", "'''", "set(", "1 ", "[],", "''"])
@pytest.mark.parametrize("end", ["", "1", "1)"])
def test_64_kib_of_anything_is_a_value_or_one_line(unit, end):
    text = unit * ((64 * 1024 - len(end)) // len(unit)) + end
    try:
        assert parse(text) == ""
    except LiteralError as error:
        assert str(error).isprintable()


# Warnings.


@pytest.mark.parametrize(
    "text, value",
    [
        (r"'\d'", "\\d"),
        (r"'\\d'", "\\d"),
        (r"'\\\d'", "\\\\d"),
        (r"b'\u0041\d'", b"\\u0041\\d"),
        (r"'\u0041\N{BULLET}\x41\101'", "A\u2022AA"),
        (r"r'\d'", "\\d"),
        (r"{'\w': ['''\s''', '\'\"\a\z']}", {"\\w": ["\\s", "'\"\a\\z"]}),
        ("'\\é'", "\\é"),
    ],
)
def test_escapes_that_python_does_not_know_are_read_without_a_warning(text, value):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse(text) == value


@pytest.mark.parametrize(
    "text", ["1if 1else 2", "0x1for x in y", "[1or 2]", "1_and 1", "{1in 2}", "1.if", "f'{1if 1}'"]
)
def test_what_python_would_warn_of_is_refused_without_a_warning(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "is not a Python literal" in message(parse, text)


def test_an_octal_escape_beyond_a_byte_is_refused():
    assert message(parse, r"'\477'") == r"expected an octal escape up to \377, got \477; write \u013f"


# A command line.


@pytest.mark.parametrize(
    "line, pieces",
    [
        ('"a string" {"k": [1, -2]}', ['"a string"', '{"k": [1, -2]}']),
        ("1 -2", ["1", "-2"]),
        ("1 +2", ["1", "+2"]),
        ("-1 -.5", ["-1", "-.5"]),
        ('"b-c" "x y"', ['"b-c"', '"x y"']),
        ("{'key1': 'val1'} 7", ["{'key1': 'val1'}", "7"]),
        ("  None\tTrue  ", ["None", "True"]),
        ("'''a \"b\" 'c' ''' b'\\' '", ["'''a \"b\" 'c' '''", "b'\\' '"]),
        ("r'\\' ' u\"]\"", ["r'\\' '", 'u"]"']),
        ("'(' ')'", ["'('", "')'"]),
        ("( 1 , ) set()", ["( 1 , )", "set()"]),
        ("'a''b' 1", ["'a''b'", "1"]),
    ],
)
def test_a_line_is_split_into_its_two_literals(line, pieces):
    assert split(line, 2) == pieces


@pytest.mark.parametrize(
    "line, most, expected",
    [
        ("", 1, 'expected 1 Python literal, got none; write for instance "name"'),
        (" ", 2, 'expected 2 Python literals, got none; write for instance "name" 7'),
        ("'a'", 2, "expected 2 Python literals, got 1: 'a'; write for instance \"name\" 7"),
        ("'a' 1 2", 2, "expected 2 Python literals, got 3: 'a' 1 2; write for instance \"name\" 7"),
        ("'a' 1", 1, "expected 1 Python literal, got 2: 'a' 1; write for instance \"name\""),
        ("1 2 3 4", 3, 'expected 3 Python literals, got 4: 1 2 3 4; write for instance "name" 7 [1, 2]'),
        ("hello world", 2, 'hello is not a Python literal; for text write "hello"'),
        ("'a' hello world", 2, 'hello is not a Python literal; for text write "hello"'),
        ("1, 2", 2, "expected no , outside brackets, got , 2; for a tuple write (1, 2)"),
        ("1 [2", 2, "expected ] before the end of 1 [2; close the bracket"),
        ("1 'a'7", 2, f"expected one Python literal, got 'a'7; {EXAMPLE}"),
        ("1 {1, True}", 2, "expected keys that differ, got 1 and True, one key to Python; leave one out"),
    ],
)
def test_a_line_with_anything_else_is_refused_in_one_line(line, most, expected):
    assert message(split, line, most) == expected


def test_with_least_the_later_literals_may_be_left_out():
    assert split("1", 2, least=1) == ["1"]
    assert split("", 2, least=0) == []
    assert message(split, "", 2, least=1) == ('expected 1 to 2 Python literals, got none; write for instance "name" 7')


# Arguments.


@pytest.mark.parametrize("most, shown", [(0, "0"), (-1, "-1"), (2.5, "2.5"), ("3", "'3'"), (True, "True")])
def test_most_is_an_int_of_at_least_one(most, shown):
    assert message(split, "1", most) == f"expected most to be an int of at least 1, got {shown}; write for instance 2"


@pytest.mark.parametrize("least, shown", [(3, "3"), (-1, "-1"), (True, "True"), (1j, "a value of type complex")])
def test_least_is_an_int_up_to_most(least, shown):
    expected = f"expected least to be an int from 0 to 2, got {shown}; leave it out"
    assert message(split, "1", 2, least=least) == expected


@pytest.mark.parametrize("value, name", [(5, "int"), (None, "NoneType"), (b"1", "bytes")])
def test_only_text_is_parsed(value, name):
    assert message(parse, value) == f"expected text to be a str, got a value of type {name}; quote it"
    assert message(split, value, 1) == f"expected line to be a str, got a value of type {name}; quote it"


# The module.


def test_the_examples_in_the_docstrings_run():
    assert doctest.testmod(literals) == doctest.TestResults(failed=0, attempted=7)


def test_text_is_the_same_in_every_process():
    program = "from paxoskit.protocol.literals import show; print(show({'c', 'b', 'a', (1, 'x'), None}))"
    runs = [_run(program, hash_seed) for hash_seed in "012"]
    assert runs == ["{'a', 'b', 'c', (1, 'x'), None}\n"] * 3


def _run(program, hash_seed):
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_the_module_imports_no_clock_dice_thread_or_file():
    tree = ast.parse(source_of(literals))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"ast", "math", "re", "itertools", "typing", "collections.abc"}


def source_of(module):
    with open(module.__file__, encoding="utf-8") as file:
        return file.read()
