"""A picture of a history shows each operation's time, the witness's order, and what cannot be placed."""

import pytest

from paxoskit.claims.linearizable import Operation, history_of, linearizable
from paxoskit.pictures.history import draw_history, history_picture, history_text
from paxoskit.worlds.simulator import Simulator

LEGAL = [
    Operation("a", "put", "x", "1", 1, 6), Operation("b", "get", "x", None, 2, 4, "1"),
    Operation("c", "put", "x", "2", 3, None, outcome="info"), Operation("d", "put", "x", "9", 3, 5, outcome="fail"),
]  # fmt: skip
ILLEGAL = [
    Operation(0, "write", "x", 1, 1, 2), Operation(1, "read", "x", None, 4, 6, 3), Operation(2, "write", "y", 5, 1, 9),
    Operation(2, "write", "x", 2, 10, 12), Operation(3, "write", "x", 4, 5, 20),
]  # fmt: skip


def test_a_bar_has_its_process_its_time_and_its_place_in_the_order():
    picture = history_picture(linearizable(LEGAL))
    assert picture.rows == ("a", "b", "c", "d")
    assert [(bar.row, bar.begins, bar.kind, bar.place) for bar in picture.bars] == [
        (0, 1, "done", 1), (1, 2, "done", 2), (2, 3, "unknown", None), (3, 3, "failed", None),
    ]  # fmt: skip
    assert [bar.ends for bar in picture.bars][:2] == [6, 4]
    assert picture.bars[2].ends > 6  # it may still take effect
    assert picture.says == "linearizable: 2 operations, the numbers are an order that explains every answer"


def test_an_illegal_history_shows_its_key_up_to_the_operation_that_cannot_be_placed():
    verdict = linearizable(ILLEGAL)
    picture = history_picture(verdict)
    assert [(bar.operation.words, bar.kind) for bar in picture.bars] == [
        ("write 1 to x", "done"), ("read x → 3", "stuck"), ("write 4 to x", "done"),
    ]  # fmt: skip
    assert picture.says == verdict.why


def test_of_a_long_history_what_is_left_out_is_counted():
    long = [Operation(0, "write", None, number, number, number + 0.5) for number in range(100)]
    picture = history_picture(linearizable(long), most=30)
    assert (len(picture.bars), picture.left_out) == (30, 70)
    wrong = history_picture(linearizable([*long, Operation(0, "read", None, None, 200, 201, 5)]), most=30)
    assert (len(wrong.bars), wrong.left_out, wrong.bars[-1].kind) == (30, 71, "stuck")
    assert wrong.bars[0].operation.value == 71


def test_what_cannot_be_placed_is_drawn_though_many_began_after_it():
    late = [Operation(number, "write", None, number, 10 + number, 900) for number in range(1, 60)]
    picture = history_picture(linearizable([Operation(0, "read", None, None, 1, 800, "never"), *late]), most=20)
    assert (picture.bars[0].kind, len(picture.bars), picture.left_out) == ("stuck", 20, 40)


@pytest.mark.parametrize("most", [0, -1, True, "5"])
def test_a_senseless_number_of_operations_is_refused(most):
    with pytest.raises(ValueError, match="most: expected a number of operations above 0"):
        history_picture(linearizable(LEGAL), most)


def test_the_text_twin_has_a_line_for_each_operation():
    lines = history_text(linearizable(ILLEGAL)).splitlines()
    assert lines[0].startswith("process 1: read x → 3 (time 4 to 6): nobody wrote 3 before it ended")
    assert [line.split("|")[2].strip() for line in lines[1:]] == [
        "write 1 to x", "read x → 3  cannot be placed", "write 4 to x",
    ]  # fmt: skip
    assert [set(line.split("|")[1]) for line in lines[1:]] == [{"=", "-"}, {"#", "-"}, {"=", "-"}]
    assert len({len(line.split("|")[1]) for line in lines[1:]}) == 1


def test_the_text_twin_tells_which_messages_led_to_the_answer():
    simulator = Simulator(4)
    simulator.run(600)
    history = history_of(simulator.trace)
    wrong = next(each for each in history if each.f == "get" and each.outcome == "ok")
    told = [Operation(**{**vars(each), "result": "never"}) if each is wrong else each for each in history]
    text = history_text(linearizable(told), simulator.trace)
    story = text.partition("what led to that answer:\n")[2].splitlines()
    assert f"is asked to get {wrong.key}" in story[0]
    assert "Answered" in story[-1]
    assert any("gets Accepted" in line for line in story)


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize("operations", [LEGAL, ILLEGAL, []])
def test_the_drawing_has_a_bar_for_each_operation(operations):
    verdict = linearizable(operations)
    figure = draw_history(verdict)
    figure.canvas.draw()
    assert len(figure.axes[0].patches) == len(history_picture(verdict).bars) == len(texts(figure))


def test_the_drawing_says_what_cannot_be_placed_and_shows_text_as_it_is():
    said = [Operation("$a$", "put", "$k$", "$v$", 1, 2), Operation("b", "get", "$k$", None, 3, 4, "$w$")]
    figure = draw_history(linearizable(said))
    figure.canvas.draw()
    assert texts(figure) == ['put "$v$" to $k$', '✗  get $k$ → "$w$"']
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["$a$", "b"]
    assert 'nobody wrote "$w$"' in figure.axes[0].get_title(loc="left").replace("\n", " ")
