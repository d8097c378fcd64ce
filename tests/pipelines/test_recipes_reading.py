"""Reading: what each word of a caption is said to name, and that an encoder can learn it."""

import torch

from pipelines.recipes.world.flow import FlowParts
from pipelines.recipes.world.reading import NOWHERE, new_reader, share_right, word_targets
from pipelines.recipes.world.words import world_tokenizer
from pipelines.soundworld.captions import write_caption
from pipelines.soundworld.events import LABELS


def test_targets_of_a_caption_by_hand():
    """"a dog barks followed by rain falling": three words of the dog, which one event follows; two of
    the rain, which one precedes; the joint and the closing token are nobody's."""  # fmt: skip
    labels, places = word_targets(["a dog barks followed by rain falling"])
    dog, rain = LABELS.index("Dog"), LABELS.index("Rain")
    assert labels[0].tolist() == [dog] * 3 + [NOWHERE] * 2 + [rain] * 2 + [NOWHERE]
    assert places[0].tolist() == [1] * 3 + [NOWHERE] * 2 + [3] * 2 + [NOWHERE]


def test_an_unordered_joint_promises_no_place():
    """ "while" says nothing of order: place 0 for both; three in a row are 2, 4 and 6."""
    _, places = word_targets(["a dog barks while rain falls"])
    assert set(places[0].tolist()) == {0, NOWHERE}
    _, places = word_targets([write_caption(list(LABELS[:3]), ["followed by", "then"], [0, 0, 0])])
    assert [p for p in dict.fromkeys(places[0].tolist()) if p != NOWHERE] == [2, 4, 6]


def test_an_encoder_learns_to_tell_who_comes_first():
    """Two captions that differ in order alone: told apart after a few steps, not before."""
    captions = [
        "a dog barks followed by rain falling",
        "rain falls followed by a dog barking",
    ]
    reader = new_reader()
    found = world_tokenizer()(captions, padding=True, return_tensors="pt")
    targets = word_targets(captions)
    assert share_right(reader, captions)["place"] < 0.9
    optimiser = torch.optim.AdamW(reader.parameters(), lr=2e-3)
    for _ in range(25):
        loss = reader.losses(found["input_ids"], found["attention_mask"], *targets)["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert share_right(reader, captions) == {"label": 1.0, "place": 1.0}


def test_the_flow_leaves_the_text_encoder_alone():
    """As TangoFlux freezes its T5: no parameter of it asks for a gradient, the others do."""
    parts = FlowParts(seed=0)
    assert not any(p.requires_grad for p in parts.text_encoder.parameters())
    assert all(p.requires_grad for p in parts.transformer.parameters())
    assert all(p.requires_grad for p in parts.conditioner.parameters())
    assert not any(p.requires_grad for p in parts.freeze_conditioner().conditioner.parameters())
