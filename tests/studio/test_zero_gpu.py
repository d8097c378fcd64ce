"""ZeroGPU: a device is lent for a call; what goes in and out is pickled, the models are not."""

import pickle
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from pipelines.errors import StudioError
from pipelines.records import Prompt, Settings
from studio.config import Config
from studio.services import zero_gpu
from studio.services.engines import Engines


@pytest.fixture
def spaces(monkeypatch):
    """The package as it is on such a Space: each call goes through pickles, as to a forked process."""
    seen = SimpleNamespace(calls=[])

    def gpu(task, *, duration):
        def call(*given):
            seen.calls.append(duration(*given))
            return pickle.loads(pickle.dumps(task(*pickle.loads(pickle.dumps(given)))))

        return call

    module = ModuleType("spaces")
    module.GPU = gpu
    module.__spec__ = SimpleNamespace(name="spaces")
    monkeypatch.setitem(sys.modules, "spaces", module)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    zero_gpu.lent.cache_clear()
    zero_gpu.HELD.clear()
    yield seen
    zero_gpu.lent.cache_clear()
    zero_gpu.HELD.clear()


def test_only_such_a_space_is_one(spaces, monkeypatch):
    """By the environment and the package together."""
    assert zero_gpu.is_zero_gpu({"SPACES_ZERO_GPU": "true"})
    assert not zero_gpu.is_zero_gpu({}) and not zero_gpu.is_zero_gpu({"SPACES_ZERO_GPU": "0"})
    monkeypatch.delitem(sys.modules, "spaces")
    monkeypatch.setattr(zero_gpu, "find_spec", lambda name: None)
    assert not zero_gpu.is_zero_gpu({"SPACES_ZERO_GPU": "true"})


def test_sounds_are_made_inside_the_lent_call_and_are_the_same(spaces, tmp_path, monkeypatch):
    """The usual model is loaded before the page opens; its sounds have the bytes of elsewhere."""
    config = Config(data=tmp_path, device="cpu", dtype="float32")
    lent = Engines(config)
    lent.hold()
    assert set(zero_gpu.HELD) == {"embedded"} and spaces.calls == []
    wanted = [(Prompt(text="a dog barks", seconds=1.0), Settings(seed=n, steps=2)) for n in (1, 2)]
    how = {"on_progress": lambda *_: None, "should_stop": lambda: False}
    made = list(lent.make(lent.backend("embedded"), wanted, **how))
    assert spaces.calls == [20], "20 s, and 0.08 for each of four steps"
    monkeypatch.delenv("SPACES_ZERO_GPU")
    plain = Engines(config)
    expected = list(plain.make(plain.backend("embedded"), wanted, **how))
    assert len(spaces.calls) == 1
    for one, other in zip(made, expected, strict=True):
        assert one.id == other.id and np.array_equal(one.audio, other.audio)


def test_what_the_lent_process_refuses_is_told_in_its_own_words(spaces, tmp_path):
    """A model that came later, and a request that cannot be met."""
    engines = Engines(Config(data=tmp_path, device="cpu", dtype="float32"))
    engines.hold()
    backend = engines.backend("embedded")
    wanted = [(Prompt(text="a dog", seconds=1.0), Settings(sampler="ddpm", steps=1))]
    with pytest.raises(StudioError, match="sampler"):
        zero_gpu.sample(backend, wanted)
    zero_gpu.HELD.clear()
    with pytest.raises(StudioError, match="embedded was loaded after this Space started"):
        zero_gpu.sample(backend, wanted)


def test_no_call_asks_for_more_than_two_minutes():
    """However much is wanted at once."""
    wanted = [(Prompt(text="a dog"), Settings(steps=200))] * 64
    assert zero_gpu.seconds_for("embedded", wanted) == 120
