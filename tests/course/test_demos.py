"""The demos: each scene's run is what its words say, its page is the committed one, and its notebook runs through."""

import re
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from paxoskit.course.demos import (
    DEMOS,
    MOST_LETTERS,
    Differs,
    Flaw,
    NoFlaw,
    Overwrite,
    begin,
    candidacies,
    demo,
    demo_page,
    main,
    parts,
)
from paxoskit.lab.book import Book
from paxoskit.lab.log import Log
from paxoskit.protocol.chain import verify
from paxoskit.protocol.messages import Accept, Accepted, Answered, Promise, Rejected, Reply, SteppedDown
from paxoskit.protocol.plain import Ballot
from paxoskit.worlds.checker import explore
from paxoskit.worlds.steppers import stepper_of_story, story_of

TOP = Path(__file__).parents[2]
FOLDER = TOP / "notebooks" / "demos"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

scenes = pytest.mark.parametrize("name", DEMOS)
notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


class Played:
    """A scene, and the world after each press of a key."""

    def __init__(self, name):
        self.stepper, self.words = begin(name)
        self.moments = list(self.words)

    def after(self, press):
        """Return the world after so many presses."""
        self.stepper.goto(self.moments[press])
        return self.stepper.world

    def events(self, press=-1, kind="", what=object):
        """Return the events up to a press, of this kind about that class of message."""
        self.after(press)
        return [one for one in self.stepper.trace() if kind in ("", one.kind) and isinstance(one.what, what)]

    def new(self, press, kind="", what=object):
        """Return the events of one press."""
        known = len(self.stepper.trace()) if self.after(press - 1) else 0
        return [one for one in list(self.after(press) and self.stepper.trace())[known:]
                if kind in ("", one.kind) and isinstance(one.what, what)]  # fmt: skip

    def says(self, press):
        return self.words[self.moments[press]]

    def values(self, press, server):
        """Return the values that a server's blocks put, in order."""
        return [one.operation.words[-1].strip("'") for block in self.after(press).chain(server)
                for one in block.operations]  # fmt: skip

    def votes(self, press):
        """Return who has a vote on the disk, for which value, in which ballot."""
        disks = {server: self.after(press).disks[server] for server in self.after(press).servers}
        return {
            server: (disk.vote.block.operations[0].operation.value.strip("'"), disk.vote.ballot)
            for server, disk in disks.items() if disk.vote is not None
        }  # fmt: skip

    def fallen(self, press=-1):
        self.after(press)
        return [violation.claim for violation in self.stepper.violations]


def press(played, words):
    """Return after which press the scene says this."""
    (found,) = [number for number in range(len(played.moments)) if words in played.says(number)]
    return found


def over_the_network(events):
    return [one for one in events if one.kind == "send" and one.node != one.peer]


# What all have in common ------------------------------------------------------------------------------------


@scenes
def test_each_key_tells_one_sentence_forward_and_back(name):
    lab = demo(name)
    try:
        words = list(begin(name)[1].values())
        assert [lab.goto(0) or words[0], *[lab.step() for _ in words[1:]]] == words
        back = [lab.back() for _ in words[1:]]
        assert back == words[-2::-1]
    finally:
        lab.close()


@scenes
def test_the_lab_has_words_for_all_that_happens_in_it(name):
    stepper, words = begin(name)
    stepper.goto(max(words))
    log, book = Log(), Book()
    log.read(stepper.trace())
    book.read(stepper.trace())
    assert len(log.lines) > 1
    assert {entry.state for entry in book.entries} == {"answered"}


@scenes
def test_a_scene_is_the_same_each_time_and_a_story_tells_it_again(name):
    stepper, words = begin(name)
    assert begin(name)[1] == words
    stepper.goto(max(words))
    again = stepper_of_story(story_of(stepper))
    assert [again.world.chain(server) for server in again.world.servers] == [
        stepper.world.chain(server) for server in stepper.world.servers
    ]
    assert again.trace().digest() == stepper.trace().digest()


@scenes
def test_no_sentence_is_longer_than_two_lines_on_a_projector(name):
    assert [says for says in begin(name)[1].values() if len(says) > 120] == []


@scenes
def test_the_committed_page_is_what_the_scene_makes(name):
    text = (FOLDER / "pages" / f"{name}.html").read_text(encoding="utf-8")
    assert parts(text) == parts(demo_page(name)), "python3 -m paxoskit.course.demos notebooks/demos/pages"
    assert len(text.encode()) <= MOST_LETTERS
    assert [frame["says"] for frame in parts(text)[1]["frames"]] == list(begin(name)[1].values())


@scenes
def test_claims_fall_in_the_scene_that_says_so_and_in_no_other(name):
    played = Played(name)
    assert bool(played.fallen()) == (name == "05_lost_promise")


def test_the_script_writes_every_page_and_wants_a_folder(tmp_path, capsys):
    assert main([str(tmp_path / "none")]) == 2
    assert "expected one folder" in capsys.readouterr().err
    assert main([str(tmp_path)]) == 0
    assert {path.stem for path in tmp_path.iterdir()} == set(DEMOS)


def test_a_scene_that_is_none_is_refused_with_the_names_of_those_there_are():
    with pytest.raises(ValueError, match=r"expected one of '01_put', .*, got 'nothing'"):
        begin("nothing")


# 1 to 4 -----------------------------------------------------------------------------------------------------


def test_a_put_is_chosen_by_three_votes_before_anybody_knows():
    played = Played("01_put")
    chosen = press(played, "chosen, and nobody knows")
    assert sorted(played.votes(chosen)) == [1, 2, 3]
    assert sorted(played.votes(chosen - 1)) == [1, 2]
    assert played.events(chosen, "deliver", Accepted) == []
    decided = press(played, "decided here")
    heights = [played.after(decided).chain(server).height for server in range(1, 6)]
    assert heights == [1, 0, 0, 0, 0]
    assert played.events(decided, "announce", Answered) == []
    assert len(played.events(decided + 1, "announce", Answered)) == 1
    assert [one for one in played.events(-1, "send", Accepted) if one.node in (4, 5) and one.what.height == 0] == []
    assert played.values(-1, 5) == ["blue", "colour"]
    assert played.events(-1, "announce", Answered)[-1].what.answer == "'blue'"


def test_the_messages_of_a_get_are_as_many_as_the_notes_say():
    played = Played("01_put")
    get = over_the_network([*played.new(12), *played.new(13)])
    assert len(get) == 14
    put = over_the_network([one for number in range(2, 12) for one in played.new(number)])
    assert len(put) == 12


def test_the_inherited_block_is_the_dead_leaders_and_comes_first():
    played = Played("02_dead_leader")
    dies = press(played, "The leader dies")
    assert played.votes(dies) == dict.fromkeys((1, 2, 3), ("blue", Ballot(1, 1)))
    assert played.fallen(dies) == [] and not played.after(dies).is_up(1)
    first, *_ = [one.what for one in played.events(-1, "send", Accept) if one.node == 1]
    inherited = [one.what for one in played.events(-1, "send", Accept) if one.node == 5]
    assert {accept.block for accept in inherited} == {first.block}
    assert {accept.ballot for accept in inherited} == {Ballot(2, 5)}
    told = [one.what for one in played.events(press(played, "With its own"), "deliver", Promise) if one.node == 5]
    assert [promise.vote.block if promise.vote else None for promise in told] == [first.block, None]
    assert {played.after(-1).chain(server).hash for server in range(1, 6)} == {first.block.hash}
    assert [one.node for one in played.events(-1, "send", Reply)] == [5]


def test_in_the_duel_nobody_leads_and_nothing_is_decided_until_one_is_left_alone():
    played = Played("03_duel")
    end = press(played, "What ends it is chance")
    for number in range(1, end):
        assert played.after(number).leaders() == [] and played.votes(number) == {}
    ballots = sorted({one.what.ballot for one in played.events(end, "send", Promise)})
    assert ballots == [(1, 1), (1, 3), (2, 1), (3, 3)]
    assert played.after(end).leaders() == [3]
    assert [played.values(-1, server) for server in (1, 2, 3)] == [["green"]] * 3


def test_waits_that_differ_end_duels_and_short_equal_ones_do_not():
    assert candidacies(10, 10, runs=10) == {"nobody leads": 10}
    assert set(candidacies(20, 20)) <= {"3", "6", "9"}
    assert set(candidacies(400, 800)) == {"1", "2"}


def test_the_minority_answers_nothing_while_the_split_lasts():
    played = Played("04_split")
    split, whole = press(played, "The network splits"), press(played, "whole again")
    answered = [one.node for number in range(split, whole + 1) for one in played.new(number, "announce", Answered)]
    assert answered == ["client 2"]
    assert sorted(server for server, (value, _) in played.votes(split + 1).items() if value == "red") == [1, 2]
    down = played.new(press(played, "steps down"), "announce", SteppedDown)
    assert [one.node for one in down] == [1]
    assert [played.values(whole, server) for server in range(1, 6)] == [["white"]] * 2 + [["white", "green"]] * 3
    assert [played.values(-1, server) for server in range(1, 6)] == [["white", "green", "red"]] * 5


# 5: the lost promise ----------------------------------------------------------------------------------------


def test_without_the_disk_one_restart_gives_two_values():
    played = Played("05_lost_promise")
    early = press(played, "below what it promised")
    assert played.fallen(early - 1) == [] and "a promise is kept" in played.fallen(early)
    assert "agreement" not in played.fallen(early)
    assert "agreement" in played.fallen(press(played, "chosen as well"))
    assert (played.values(-1, 1), played.values(-1, 3)) == (["blue"], ["red"])
    assert [one.node for one in played.events(-1, "announce", Answered)] == ["client 1", "client 2"]
    assert len(played.events(-1, "restart")) == len(played.events(-1, "crash")) == 1
    assert played.after(press(played, "it is back")).disks[2].vote is None


def test_with_the_disk_the_same_choices_give_one_value():
    lost, kept = Played("05_lost_promise"), Played("05_kept_promise")
    same = press(kept, "The old Accept")
    assert press(lost, "The old Accept") == same
    chosen = [[one for one in played.events(same) if one.kind in ("ask", "crash", "restart", "fire", "deliver", "drop")]
              for played in (lost, kept)]  # fmt: skip
    assert [one[2:6] for one in chosen[0]] == [one[2:6] for one in chosen[1]]
    assert kept.new(same, "send", Accepted) == []
    assert kept.fallen() == []
    one_value = press(kept, "One slot, one value")
    assert [kept.values(one_value, server) for server in (1, 2, 3)] == [["red"]] * 3
    assert [kept.values(-1, server) for server in (1, 2, 3)] == [["red", "blue"]] * 3


# 6: tampering -----------------------------------------------------------------------------------------------


def test_the_auditor_names_the_height_and_the_check_and_then_nothing():
    played = Played("06_tamper")
    found = [one.what for one in played.events(-1, "announce", (Flaw, NoFlaw))]
    assert found == [NoFlaw("in 3 blocks"), Flaw("in block 1: hash"), Flaw("in block 2: previous_hash"),
                     NoFlaw("in 3 blocks")]  # fmt: skip
    for says, fault in (("makes red pink", (1, "hash")), ("mines block 1", (2, "previous_hash"))):
        assert verify(played.after(press(played, says)).chain(4))[:2] == fault


def test_a_mined_end_passes_every_check_and_differs_from_all_others():
    played = Played("06_tamper")
    forged = press(played, "the chain is forged")
    chains = {server: list(played.after(forged).chain(server)) for server in range(1, 6)}
    assert [verify(chain) for chain in chains.values()] == [None] * 5
    assert played.values(forged, 4) == ["white", "pink", "green"]
    for other in (1, 2, 3, 5):
        assert [a.hash == b.hash for a, b in zip(chains[4], chains[other])] == [True, False, False]
    differs = [(one.node, one.what) for one in played.events(-1, "announce", Differs)]
    assert differs == [(other, Differs("from server 4, since block 1")) for other in (1, 2, 3, 5)]


def test_the_forged_server_rejects_what_the_others_decide():
    played = Played("06_tamper")
    assert {one.node for one in played.events(-1, "announce", Rejected)} == {4}
    gold = [played.values(-1, server)[-1] == "gold" for server in range(1, 6)]
    assert gold == [True, True, True, False, True]


def test_the_picture_shows_nothing_of_a_value_changed_under_an_old_hash():
    played = Played("06_tamper")
    pink = press(played, "makes red pink")
    assert [one.what for one in played.new(pink, "ask")] == [Overwrite(1, "'pink'")]
    seen = {number: parts_of_page(number)["svg"].count("pink") for number in (pink, pink + 2)}
    assert seen[pink] == 0 < seen[pink + 2]


def parts_of_page(number):
    return parts((FOLDER / "pages" / "06_tamper.html").read_text(encoding="utf-8"))[1]["frames"][number]


# The notebooks ----------------------------------------------------------------------------------------------


def text_of(path):
    book = nbformat.read(path, as_version=4)
    return "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")


def test_each_scene_has_its_notebook_and_each_notebook_its_pages():
    shown = {name for path in NOTEBOOKS for name in DEMOS
             if f'demo("{name}")' in path.read_text(encoding="utf-8").replace("\\", "")}  # fmt: skip
    assert shown == set(DEMOS)
    linked = {name for path in NOTEBOOKS for name in re.findall(r"\(pages/(\w+)\.html\)", text_of(path))}
    assert linked == set(DEMOS)
    assert {path.stem for path in (FOLDER / "pages").iterdir()} == set(DEMOS)


@notebooks
def test_the_notes_say_what_to_ask_what_they_answer_and_where_it_goes_wrong(path):
    text = text_of(path)
    assert "## Speaker's notes" in text and "**Takes** " in text and "**Shows** " in text
    assert re.search(r"\*\*Where it goes wrong\.?\*\*", text)
    rows = [[int(number) for number in re.findall(r"^\| (\d+) \|", table, flags=re.M)]
            for table in re.split(r"^Second picture:$", text, flags=re.M)]  # fmt: skip
    names = [name for name in DEMOS if f"pages/{name}.html" in text]
    for keys, name in zip(rows, names, strict=bool(names)):
        assert keys == sorted(keys) and keys[-1] < len(begin(name)[1]), name


@notebooks
def test_the_keys_are_as_many_as_the_title_says(path):
    said = re.search(r"(\d+)\nkeys|(\d+) keys|(\d+)\s+keys", text_of(path))
    names = [name for name in DEMOS if f"pages/{name}.html" in text_of(path)]
    if names:
        assert said is not None
        assert {len(begin(name)[1]) - 1 for name in names} == {int(re.search(r"\d+", said[0])[0])}


@pytest.fixture(scope="module")
def runs():
    """Run all notebooks, one after the other in one kernel that forgets in between; of each, the cells and seconds."""
    book, found = nbformat.v4.new_notebook(), {}
    forget = nbformat.v4.new_code_cell("%reset -f")
    client = NotebookClient(book, timeout=120, kernel_name="python3", store_widget_state=False,
                            resources={"metadata": {"path": str(FOLDER)}})  # fmt: skip
    with client.setup_kernel():
        for path in NOTEBOOKS:
            cells = nbformat.read(path, as_version=4).cells
            book.cells += [forget, *cells]
            begun = time.monotonic()
            for index in range(len(book.cells) - len(cells) - 1, len(book.cells)):
                client.execute_cell(book.cells[index], index)
            found[path.stem] = cells, time.monotonic() - begun
    return found


def said(cells):
    return "\n".join(output.get("text", "") for cell in cells for output in cell.get("outputs", ()))


@pytest.mark.slow
@notebooks
def test_a_demo_runs_through_and_shows_its_lab(runs, path):
    cells, seconds = runs[path.stem]
    assert seconds < 30
    labs = [cell for cell in cells if cell.cell_type == "code" and re.search(r"demo\(|Lab\.at", cell.source)]
    assert labs != []
    shown = [str([output["data"] for output in cell.outputs if "data" in output]) for cell in labs]
    assert ["widget-view" in text and "image/svg+xml" in text for text in shown] == [True] * len(labs)


def test_the_lab_has_words_for_the_story_that_the_checker_tells():
    cells = nbformat.read(FOLDER / "checker.ipynb", as_version=4).cells
    here = {"__name__": "demo"}
    for cell in cells:
        if cell.id == "mistake":
            exec(cell.source, here)
    found = explore(here["Careless"], claims=["agreement"], ballots=2)
    book = Book()
    book.read(found.events)
    Log().read(found.events)
    assert sorted(entry.asked for entry in book.entries) == ["propose blue", "propose red"]


@pytest.mark.slow
def test_the_checker_tells_the_story_of_the_careless_acceptor_and_none_of_the_right_one(runs):
    careless, _, right = said(runs["checker"][0]).partition("no claim fell")
    assert re.search("a claim fell: agreement\n  two values are chosen: (red|blue) is chosen in ballot 1.4 ", careless)
    assert careless.count(" is lost") == careless.count("crashes (") == careless.count("is duplicated") == 0
    assert re.search(r"(server \d) sends Promise 1\.5 (?s:.*)\1 sends Accepted 1\.4 ", careless)
    assert right.startswith(" in all runs of 3 acceptors and 2 proposers with at most 2 ballots in all")
