"""An answer gets the same points by workers, for marks, as in this process, for practice. A sample: all of
tests/answers are compared by benchmarks/both_ways.py.
"""

import shutil
from pathlib import Path

import pytest

from paxoskit.grading.properties import exercise, judge, judge_property
from paxoskit.grading.remote import WorkerSubject
from paxoskit.grading.subject import LocalSubject
from paxoskit.grading.workshop import Limits

TOP = Path(__file__).parents[2]
SAMPLE = [
    "solutions/01_clock/clock.py",
    "tests/answers/02_retries/wrong/highest_number_only.py",
    "solutions/03_quorums/quorums.py",
    "tests/answers/04_acceptor/wrong/M2_accept_not_compared.py",
    "tests/answers/04_acceptor/wrong/copy_known_by_identity.py",
    "tests/answers/04_acceptor/right/carries_its_table_of_methods.py",
    "tests/answers/04_acceptor/wrong/notes_the_time_of_day.py",
    "tests/answers/05_proposer/right/waits_by_dice.py",
    "tests/answers/05_proposer/right/new_dice_for_each_wait.py",
    "tests/answers/05_proposer/right/draws_its_patience_at_birth.py",
    "tests/answers/06_disk/right/a_deque_on_the_disk.py",
    "tests/answers/06_disk/right/objects_on_the_disk.py",
    "tests/answers/06_disk/right/new_dice_for_each_ballot.py",
    "solutions/07_claims/claims.py",
    "tests/answers/09_store/right/store_in_a_coroutine.py",
    "solutions/10_chain/chain.py",
]


@pytest.mark.parametrize("name", SAMPLE)
def test_workers_and_practice_agree(name, tmp_path):
    one = exercise(Path(name).parts[-3 if "tests" in name else -2])
    shutil.copy(TOP / name, tmp_path / one.file)
    shutil.copy(TOP / "solutions" / one.id / "own_test.py", tmp_path)
    near = judge(one, LocalSubject(tmp_path / one.file)).properties
    subject = WorkerSubject(tmp_path / one.file, one.given, Limits(**one.limits))
    far = [judge_property(prop, subject, 0, one.roles) for prop in one.all()]
    subject.close()
    assert [(one.id, one.points, one.status, one.says) for one in far] == [
        (one.id, one.points, one.status, one.says) for one in near
    ]
    assert all(result.points == result.of for result in far) is ("/wrong/" not in name)
