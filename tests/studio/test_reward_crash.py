"""A training that is stopped, or whose studio goes down or is killed: what is left, and that it goes on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.config import Config
from studio.jobs import Desk
from studio.services.services import Services
from studio.visitors import HERE
from tests.studio.judged import BandEngines, labelled
from tests.test_layering import ROOT

QUICK = {"preset": "paper", "epochs": 6, "seed": 1}
FILES = ("reward.safetensors", "heldout.json", "figures.json", "history.jsonl")
DIES = "fold 3 of 5, epoch 2 of 6"


def opened(data) -> Services:
    config = Config(data=data)
    return Services(config, BandEngines(config))


def run_all(services) -> None:
    while services.worker.run_next():
        pass


def whole_run(services, campaign) -> list[bytes]:
    """What an unbroken training writes."""
    reward = services.reward.submit(HERE, campaigns=[campaign], settings=QUICK)
    run_all(services)
    return contents(services, reward)


def contents(services, reward) -> list[bytes]:
    return [(services.reward.training.folder(reward) / name).read_bytes() for name in FILES]


def at_the_third_fold(monkeypatch, does) -> None:
    """Has something happen in the middle of the training, once."""
    told, happened = Desk.tell, []

    def tell(desk, progress, note):
        told(desk, progress, note)
        if note == DIES and not happened:
            happened.append(note)
            does(desk)
            assert desk.stop.wait(30)

    monkeypatch.setattr(Desk, "tell", tell)


def test_a_studio_that_closes_goes_on_to_the_same_bytes_when_it_opens_again(tmp_path, monkeypatch):
    """Three folds are half done; the others begin from there, and nothing shows that it broke."""
    services = opened(tmp_path)
    campaign = labelled(services.store, prompts=8)
    expected = whole_run(services, campaign)
    reward = services.reward.submit(HERE, campaigns=[campaign], settings=QUICK)
    at_the_third_fold(monkeypatch, lambda desk: services.worker.closing.set())
    while services.worker.run_next() and not services.worker.closing.is_set():
        pass
    services.close()
    services = opened(tmp_path)
    left = services.reward.view(reward, HERE)
    assert (left["status"], left["figures"]) == ("waiting", None) and left["history"]
    states = {path.name for path in services.reward.training.folder(reward).glob("*.pt")}
    assert states == {"fold-0.pt", "fold-1.pt", "fold-2.pt"}
    run_all(services)
    assert contents(services, reward) == expected
    services.close()


def test_a_stop_ends_it_and_leaves_a_sentence(tmp_path, monkeypatch):
    """Stopped in the middle: said so, no figures, nothing to score with, removable."""
    services = opened(tmp_path)
    reward = services.reward.submit(
        HERE, campaigns=[labelled(services.store, prompts=8)], settings=QUICK
    )
    at_the_third_fold(monkeypatch, lambda desk: services.reward.stop(reward, HERE))
    run_all(services)
    found = services.reward.view(reward, HERE)
    assert (found["status"], found["note"]) == ("stopped", "Stopped, as asked.")
    assert found["figures"] is None and found["is_over"]
    services.reward.remove(reward, HERE)
    services.close()


def test_a_training_gives_way_to_sounds_that_others_wait_for(tmp_path, monkeypatch):
    """A run asked for in the middle is made first, and the bytes are those of an unbroken training."""
    services = opened(tmp_path)
    campaign = labelled(services.store, prompts=8)
    expected = whole_run(services, campaign)
    reward = services.reward.submit(HERE, campaigns=[campaign], settings=QUICK)
    asked = []

    told = Desk.tell

    def tell(desk, progress, note):
        told(desk, progress, note)
        if note == DIES and not asked:
            asked.append(services.generate(HERE, services.check("a dog barks", seconds=0.5)))

    monkeypatch.setattr(Desk, "tell", tell)
    order = []
    while services.worker.run_next():
        order.append(
            (bool(services.views.history(HERE)), services.reward.view(reward, HERE)["status"])
        )
    run = services.views.job(asked[0], HERE)
    assert run["status"] == "done" and contents(services, reward) == expected
    assert run["cards"] and services.reward.view(reward, HERE)["status"] == "done"
    first_done = next(place for place, (made, _) in enumerate(order) if made)
    assert order[first_done][1] != "done"
    services.close()


@pytest.mark.slow
def test_a_training_whose_studio_is_killed_goes_on_to_the_same_bytes(tmp_path):
    """The process ends between two instructions, as by SIGKILL; the next studio takes the job up."""
    services = opened(tmp_path)
    campaign = labelled(services.store, prompts=8)
    expected = whole_run(services, campaign)
    reward = services.reward.submit(HERE, campaigns=[campaign], settings=QUICK)
    services.close()
    command = [sys.executable, "-m", "tests.studio.test_reward_crash", str(tmp_path)]
    assert subprocess.run(command, cwd=ROOT, timeout=300).returncode == 9
    services = opened(tmp_path)
    assert services.reward.view(reward, HERE)["status"] == "running"
    services.store.jobs.put_back_orphans(dead_workers=services.worker._dead_workers())
    assert services.reward.view(reward, HERE)["note"] == "taken up again after a restart"
    run_all(services)
    assert contents(services, reward) == expected
    services.close()


def test_a_fault_of_the_sounds_is_told_and_nothing_scores(tmp_path):
    """A sound that became broken on the disk after it was labelled: one sentence, no model."""
    services = opened(tmp_path)
    campaign = labelled(services.store, prompts=4)
    reward = services.reward.submit(HERE, campaigns=[campaign], settings=QUICK)
    clip = services.store.campaigns.clips(campaign)[0]
    services.store.clips.path(clip.source).write_bytes(b"RIFF")
    run_all(services)
    found = services.reward.view(reward, HERE)
    assert found["status"] == "failed" and found["error"].rstrip().endswith(".")
    assert "our fault" not in found["error"]
    services.close()


def die_in_the_middle(data: str) -> None:
    """Works at what waits, and ends without a word in the third fold."""
    told = Desk.tell

    def tell(desk, progress, note):
        told(desk, progress, note)
        if note == DIES:
            os._exit(9)

    Desk.tell = tell
    run_all(opened(Path(data)))


if __name__ == "__main__":
    die_in_the_middle(sys.argv[1])
