"""A language model of transformers in a folder: loaded, asked, stopped; what is none is told."""

import pytest

from pipelines.errors import Cancelled, StudioError
from pipelines.prompts.local_model import LocalModel


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny model that has learnt nothing, with a tokenizer of single letters."""
    torch = pytest.importorskip("torch")
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    letters = {chr(code): code - 32 for code in range(32, 127)} | {"<unk>": 95, "<end>": 96}
    tokenizer = Tokenizer(models.WordLevel(letters, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    place = tmp_path_factory.mktemp("model")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<end>"
    ).save_pretrained(place)
    torch.manual_seed(0)
    size = {"n_layer": 1, "n_head": 1, "n_embd": 8, "n_positions": 4096, "vocab_size": 97}
    GPT2LMHeadModel(GPT2Config(**size)).save_pretrained(place, safe_serialization=True)
    return place


def test_it_answers_with_the_same_words_to_the_same_seed(folder, monkeypatch):
    """Nothing sensible, but the same; and nobody else's draws are touched."""
    import torch

    monkeypatch.setattr("pipelines.prompts.local_model.MOST_TOKENS", 20)
    model = LocalModel(str(folder), "cpu")
    torch.manual_seed(5)
    before = torch.rand(1)
    torch.manual_seed(5)
    said = [model.answer("be", "say", seed=s, should_stop=lambda: False) for s in (1, 1, 2)]
    assert torch.equal(torch.rand(1), before)
    assert said[0] == said[1] != said[2]
    assert model.name == folder.name


def test_it_is_stopped_between_two_words(folder):
    """Cancelled, long before all tokens are there."""
    asked = []

    def should_stop() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        LocalModel(str(folder), "cpu").answer("be", "say", seed=1, should_stop=should_stop)
    assert len(asked) < 10


def test_what_is_no_model_is_told(folder, tmp_path):
    """An empty folder, and weights that are not safetensors."""
    for files in ({}, {"pytorch_model.bin": b"x"}):
        for name, content in files.items():
            (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
            (tmp_path / name).write_bytes(content)
        with pytest.raises(StudioError, match="cannot be loaded .* set BATON_LLM_MODEL"):
            LocalModel(str(tmp_path), "cpu").answer("a", "b", seed=0, should_stop=lambda: False)
