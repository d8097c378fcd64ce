"""Duration token, pooled vector, dropped text, quality levels, and the word tokenizer."""

import math

import pytest
import torch

from pipelines.errors import StudioError
from pipelines.generate.conditioning import Conditioner, TextStates, drop_text, encode_text
from pipelines.generate.tokenizer import build_tokenizer, load_tokenizer
from tests.pipelines.tiny import WORDS, tiny_pipeline


@pytest.fixture(scope="module")
def pipe():
    """The tiny model."""
    return tiny_pipeline()


def test_duration_features_by_hand():
    """At 5 of 10 s and rate 0.5: x = 0.5, sine and cosine of pi / 2."""
    conditioner = Conditioner(width=3, max_seconds=10.0, frequencies=1)
    with torch.no_grad():
        conditioner.rates.fill_(0.5)
        conditioner.duration.weight.copy_(torch.eye(3))
        conditioner.duration.bias.zero_()
        found = conditioner.duration_token(torch.tensor([5.0, 25.0]))
    torch.testing.assert_close(found[0, 0], torch.tensor([0.5, 1.0, 0.0]), atol=1e-6, rtol=0)
    beyond = torch.tensor([1.0, 0.0, math.cos(math.pi)])
    torch.testing.assert_close(found[1, 0], beyond, atol=1e-6, rtol=0)


def test_pooled_vector_ignores_padding():
    """The mean runs over real tokens only: (1 + 3) / 2, whatever the padding holds."""
    conditioner = Conditioner(width=1, frequencies=1)
    with torch.no_grad():
        conditioner.pool.weight.fill_(1.0)
        conditioner.pool.bias.fill_(-1.0)
    states = torch.tensor([[[1.0], [3.0], [99.0]]])
    found = conditioner.pooled(states, torch.tensor([[True, True, False]]))
    assert found.item() == pytest.approx(1.0)


def test_dropped_rows_are_empty_prompts_of_the_same_length(pipe):
    """Ids become one closing token; the transformer still attends to the prompt's own length."""
    ids, mask = pipe.tokens(["a dog barks", "rain"])
    emptied, its_mask = drop_text(ids, mask, torch.tensor([True, False]))
    assert emptied[0].tolist() == [1, 0, 0, 0] and its_mask[0].tolist() == [1, 0, 0, 0]
    assert torch.equal(emptied[1], ids[1]) and torch.equal(its_mask[1], mask[1])
    seconds = torch.tensor([4.0, 4.0])
    text = encode_text(
        pipe.text_encoder, pipe.conditioner, emptied, its_mask, seconds, attend=mask.bool()
    )
    assert text.mask.tolist() == [[True] * 5, [True, True, False, False, True]]


def test_quality_levels_add_a_vector_to_the_pooled_one(pipe):
    """Level 0 is "not told" and stays zero; the others add what they learned."""
    conditioner = Conditioner(width=4, frequencies=2, quality_levels=5)
    with torch.no_grad():
        conditioner.quality.weight[3] = 2.0
    states, mask = torch.randn(2, 5, 4), torch.ones(2, 5, dtype=torch.bool)
    plain = conditioner.pooled(states, mask)
    told = conditioner.pooled(states, mask, torch.tensor([0, 3]))
    torch.testing.assert_close(told - plain, torch.tensor([[0.0] * 4, [2.0] * 4]))
    told.sum().backward()
    assert conditioner.quality.weight.grad[3].all() and not conditioner.quality.weight.grad[0].any()


def test_text_states_rows():
    """Rows can be picked, repeated and joined."""
    text = TextStates(
        hidden=torch.arange(6.0).reshape(2, 3, 1),
        pooled=torch.arange(2.0)[:, None],
        mask=torch.ones(2, 3, dtype=torch.bool),
    )
    picked = TextStates.cat([text, text.rows(torch.tensor([1, 1]))])
    assert picked.pooled.flatten().tolist() == [0, 1, 1, 1] and len(picked) == 4


def test_tokenizer_round_trip(tmp_path):
    """Lower case, punctuation apart, closed by 1, padded by 0, unknown 2; the same once saved."""
    made = build_tokenizer(WORDS)
    made.save_pretrained(tmp_path)
    read = load_tokenizer(tmp_path, vocabulary=len(WORDS) + 3)
    texts = ["A DOG, barks.", "yodel"]
    a, dog, barks = (3 + WORDS.index(word) for word in ("a", "dog", "barks"))
    comma, stop = 3 + WORDS.index(","), 3 + WORDS.index(".")
    for tokenizer in (made, read):
        found = tokenizer(texts, padding=True)
        assert found.input_ids == [[a, dog, comma, barks, stop, 1], [2, 1, 0, 0, 0, 0]]
        assert found.attention_mask[1] == [1, 1, 0, 0, 0, 0]
        cut = tokenizer("a " * 100, truncation=True).input_ids
        assert len(cut) == 64 and cut[-1] == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["dog", "dog"], "twice"), (["Dog"], "'Dog' cannot"), (["tele-phone"], "'tele-phone' cannot")],
)
def test_words_that_cannot_be_tokens(words, sentence):
    """Repeats, capitals and inner punctuation would never be found again."""
    with pytest.raises(StudioError, match=sentence):
        build_tokenizer(words)


def test_an_empty_tokenizer_is_refused(tmp_path):
    """A tokenizer that holds far fewer tokens than the text encoder has rows."""
    build_tokenizer(["a"]).save_pretrained(tmp_path)
    with pytest.raises(StudioError, match="knows 4 tokens, but the text encoder has 600 rows"):
        load_tokenizer(tmp_path, vocabulary=600)
    with pytest.raises(StudioError, match="No tokenizer could be read"):
        load_tokenizer(tmp_path / "nothing", vocabulary=600)
