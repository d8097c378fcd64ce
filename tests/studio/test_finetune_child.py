"""The training process itself: killed in the middle it goes on, and ends as if nothing had been."""

import os
import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pipelines.errors import Cancelled
from pipelines.records import Prompt, Settings
from studio.config import Config
from studio.services.finetune import child, listening, run
from studio.services.finetune.run_folder import ROWS, TASK, RunFolder
from studio.services.services import Services
from studio.visitors import HERE
from tests.pipelines.tiny import save_tiny
from tests.studio.fake_training import labelled
from tests.studio.test_finetune_folders import GOOD, zipped

STEPS = 24


class Quiet:
    """A parent that listens to nothing and asks for nothing."""

    def tell(self, progress: float, note: str) -> None:
        pass

    def should_stop(self) -> bool:
        return False


@pytest.fixture
def services(tmp_path, monkeypatch):
    """The embedded model itself, with little of its own data and few prompts to listen to."""
    monkeypatch.setattr(run, "SCENES", 8)
    monkeypatch.setattr(run, "HELD_OUT", 2)
    monkeypatch.setattr(listening, "HELD_OUT", 2)
    opened = Services(Config(data=tmp_path / "data", device="cpu"))
    yield opened
    opened.close()


def process_of(folder: Path) -> int:
    """The child that is at work in this folder."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "studio.services.finetune.child" in words and str(folder) in words:
            return int(path.parent.name)
    raise AssertionError("no child is at work")


@pytest.mark.parametrize(
    ("listen", "last"), [([], "encoding sound 2 of 2"), (["a"], "by 1 held-out")]
)
def test_while_the_base_is_listened_to_the_page_says_so(listen, last):
    """The last sound encoded is followed by minutes of sampling, where there is a prompt."""
    said = []
    at_work = SimpleNamespace(task={"listen": listen}, tell=lambda share, note: said.append(note))
    for done in (1, 2):
        child.Training.encoded(at_work, done, 2)
    assert said[0] == "encoding sound 1 of 2" and last in said[1]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the child by /proc")
def test_a_killed_training_goes_on_to_the_same_adapter(services):
    """SIGKILL costs at most ten steps; the bytes are those of a run that nobody disturbed."""
    asked = {"campaigns": [labelled(services)], "settings": {
        "steps": STEPS, "batch": 2, "pretrain": 2, "sample_every": 24, "seed": 5}}  # fmt: skip
    name = services.finetune.start(HERE, asked)
    folder = services.finetune.run.folder(name)
    services.worker.run_next()
    services.worker.run_next()
    at_work = threading.Thread(target=services.worker.run_next)
    at_work.start()
    until = time.monotonic() + 120
    while len(folder.lines("losses.jsonl")) < 13:
        assert at_work.is_alive(), services.finetune.views.view(name, HERE)["error"]
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(process_of(folder.path), signal.SIGKILL)
    at_work.join(30)
    found = services.finetune.views.view(name, HERE)
    assert (found["status"], found["can_resume"]) == ("failed", True)
    assert "killed from outside" in found["error"]
    assert found["checkpoints"][-1] >= 10
    services.finetune.resume(HERE, name)
    while services.worker.run_next():
        pass
    found = services.finetune.views.view(name, HERE)
    assert (found["status"], found["error"], found["step"]) == ("done", None, STEPS)
    assert [one["step"] for one in found["dev"]] == [0, STEPS]
    assert all(-1 <= one["clap"] <= 1 for one in found["dev"])
    undisturbed = again(folder)
    for file in ("adapter/adapter.safetensors", "samples/step-0000024/0.wav"):
        assert (undisturbed / file).read_bytes() == (folder.path / file).read_bytes()
    made = sound(services.engines.backend(found["adapter"]))
    assert not np.array_equal(made, sound(services.engines.backend("embedded")))


def test_two_runs_do_not_encode_the_bases_own_data_at_once(tmp_path):
    """It is one file for all: the page's run waits for the terminal's, and hears a stop meanwhile."""
    import fcntl

    shared = tmp_path / "pretraining" / "r1"
    shared.mkdir(parents=True)
    parent = SimpleNamespace(tell=lambda *told: None, should_stop=lambda: True)
    task = {"data": str(tmp_path), "pretraining": {"scenes": 2, "seed": 0}}
    training = child.Training(run=RunFolder(tmp_path / "run"), task=task, parent=parent)
    with (shared / child.LOCK).open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Cancelled):
            training.pretraining_rows(SimpleNamespace(revision="r1"))
    assert list(shared.iterdir()) == [shared / child.LOCK]


@pytest.mark.parametrize("rank", [None, 2])
def test_any_base_and_all_its_weights_can_be_trained(tmp_path, rank):
    """A tiny model in a folder, on a folder of sounds: the result is a model to choose, as adapters are."""
    torch.manual_seed(0)
    base = str(save_tiny(tmp_path / "tiny"))
    config = Config(data=tmp_path / "data", model=base, device="cpu")
    services = Services(config)
    object.__setattr__(services.finetune.run, "child", in_this_process(services))
    told = services.finetune.add_folder(HERE, zipped(tmp_path, GOOD))
    asked = {"recipe": "supervised", "folder": told["id"], "title": "Tiny", "settings": {
        "steps": 3, "batch": 2, "rank": rank, "learning_rate": 1e-2, "seed": 1}}  # fmt: skip
    run = services.finetune.start(HERE, asked)
    while services.worker.run_next():
        pass
    found = services.finetune.views.view(run, HERE)
    assert (found["status"], found["error"], found["step"]) == ("done", None, 3)
    assert found["title"] == "Tiny"
    tuned, plain = (services.engines.backend(name) for name in (found["adapter"], base))
    assert tuned.adapter == found["model"]["hash"]
    assert not np.array_equal(sound(tuned), sound(plain))
    services.close()


def test_two_processes_are_never_at_one_run(tmp_path):
    """The second waits, and hears a stop meanwhile; once the first is gone it goes on."""

    class Stopped(Quiet):
        def should_stop(self) -> bool:
            return True

    with child.alone(tmp_path, Quiet()):
        with pytest.raises(Cancelled), child.alone(tmp_path, Stopped()):
            pass
    with child.alone(tmp_path, Stopped()):
        pass


def in_this_process(services: Services):
    """The third phase without a process of its own, and without ears."""

    def phase(job, desk) -> bool:
        folder = services.finetune.run.folder(job.id)
        folder.write(TASK, {**folder.read(TASK), "listen": []})
        child.Training(run=folder, task=folder.read(TASK), parent=Quiet()).go_on()
        return True

    return phase


def again(folder: RunFolder) -> Path:
    """The same run in another folder, from beginning to end in this process."""
    other = RunFolder(folder.path.with_name("again"))
    other.write(TASK, folder.read(TASK))
    other.write(ROWS, folder.read(ROWS))
    child.Training(run=other, task=other.read(TASK), parent=Quiet()).go_on()
    return other.path


def sound(backend) -> np.ndarray:
    """A short sound of a model."""
    [made] = backend.sample(
        [Prompt(text="a dog barks", seconds=1.0)],
        [Settings(model=backend.name, seed=1, steps=2, guidance=1.0)],
    )
    return made
