"""CRPO under `accelerate launch`: two CPU processes share the work and give what one gives."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from pipelines.finetune.adapter_files import TENSORS
from pipelines.recipes.crpo.loop import finished, improve
from tests.pipelines.test_recipes_crpo import BANK, CONFIG, Loudness, log, tiny_backend

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 0.02  # of the weights' change: sums over rows are taken in another order, in bfloat16


def change_of(tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """What an adapter adds to the weights, all in one row."""
    names = sorted(name for name in tensors if name.endswith("lora_A"))
    changes = [tensors[f"{n[:-1]}B"].float() @ tensors[n].float() for n in names]
    return torch.cat([change.reshape(-1) for change in changes])


@pytest.fixture
def one_thread():
    """As the launched processes have: sums over threads are taken in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_two_processes_give_what_one_gives(tmp_path, one_thread):
    """The same candidates and pairs to the bit, made by halves; weights up to the order of sums."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes=2",
               "--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no",
               f"--main_process_port={port}", "-m", "tests.pipelines.launched_crpo",
               str(tmp_path / "two")]  # fmt: skip
    told = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    made = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **told}, capture_output=True, text=True, timeout=900
    )
    assert made.returncode == 0, made.stderr[-2000:]
    halves = [(tmp_path / f"two/heard-{rank}-of-2").read_text() for rank in (0, 1)]
    assert halves == ["8", "8"]  # two prompts of four, two candidates, two iterations
    improve(tiny_backend(), BANK, Loudness(), CONFIG, tmp_path / "one", heard_on=BANK[:1])

    one, two = tmp_path / "one", tmp_path / "two"
    for part in range(2):
        path = f"iteration-1/candidates/part-{part:05d}.safetensors"
        with safe_open(one / path, "pt") as ours, safe_open(two / path, "pt") as theirs:
            assert ours.metadata() == theirs.metadata()
            assert torch.equal(ours.get_tensor("latents"), theirs.get_tensor("latents"))
    chosen = [(root / "iteration-1/pairs.json").read_bytes() for root in (one, two)]
    assert chosen[0] == chosen[1]
    for mine, theirs in zip(log(one, 1), log(two, 1), strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=0.01)
        assert mine["gradient_norm"] == pytest.approx(theirs["gradient_norm"], rel=0.05)
    ours, theirs = (change_of(load_file(finished(root)[0] / TENSORS)) for root in (one, two))
    assert float((ours - theirs).norm() / ours.norm()) < TOLERANCE
    assert len(finished(two)) == 2
