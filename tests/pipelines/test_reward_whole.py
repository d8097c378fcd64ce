"""From sounds and labels to a scorer, over the CLAP that we ship."""

import numpy as np
import pytest
import torch

from pipelines import clap
from pipelines.reward import embeddings, scorers
from pipelines.reward.head import our_shape
from pipelines.reward.labels import Material, read_labels
from pipelines.reward.saved import Ground, load_head, save_head
from pipelines.reward.training import TrainingConfig, Vectors, train
from pipelines.seeds import numpy_generator

RATE = 16_000
PROMPTS = ["a dog barks", "rain falls"]


def sounds() -> dict[str, np.ndarray]:
    """Six seconds-long sounds: three hums, three hisses."""
    time = np.arange(RATE) / RATE
    noise = numpy_generator(0, "hiss")
    hums = [np.sin(2 * np.pi * pitch * time) for pitch in (110, 140, 170)]
    hisses = [noise.standard_normal(RATE) for _ in range(3)]
    return {f"k{i}": 0.1 * s[None].astype(np.float32) for i, s in enumerate([*hums, *hisses])}


def test_a_reward_model_from_labels_to_scores(tmp_path):
    """Hisses are aligned and hums not: labelled, embedded once, trained, saved, loaded, scored alike."""
    listener, clips = clap.load("reward"), sounds()
    other = embeddings.Encoder(
        name="words c3", embed=lambda texts: np.array([[len(t), t.count(" ")] for t in texts])
    )
    text = embeddings.side_by_side(embeddings.text_of(listener), other)
    audio_kept = embeddings.kept_in(tmp_path, "audio", f"clap {listener.revision}")
    text_kept = embeddings.kept_in(tmp_path, "text", text.name)
    embeddings.embed_clips(
        audio_kept, {key: (lambda s=s: (s, RATE)) for key, s in clips.items()}, listener
    )
    embeddings.embed_texts(text_kept, PROMPTS, text)
    rows = [
        {
            "prompt": PROMPTS[i % 2],
            "audio": key,
            "label": int(i >= 3),
            "task": "integrity",
            "rater": "simulated 1",
            "group": f"labels: {i % 2}",
            "simulated": True,
        }
        for i, key in enumerate(clips)
    ]
    shape = our_shape(listener.dimensions + 2, listener.dimensions)
    found = train(
        Material(examples=read_labels(rows).examples),
        Material(),
        Vectors(texts=text_kept, clips=audio_kept),
        shape,
        TrainingConfig(epochs=30, learning_rate=0.01),
        seed=0,
    )
    ground = Ground(
        audio=f"clap {listener.revision}", text=text.name, task="integrity", simulated=True
    )
    save_head(found.head, ground, tmp_path / "head")
    scorer = scorers.HeadScorer(*load_head(tmp_path / "head"), listener, text=text)
    asked = [row["prompt"] for row in rows]
    scores = scorer.score(list(clips.values()), RATE, asked)
    expected = found.head.reward(
        torch.from_numpy(np.stack([text_kept[prompt] for prompt in asked])),
        torch.from_numpy(np.stack([audio_kept[key] for key in clips])),
    )
    assert scores.tolist() == pytest.approx(expected.tolist(), abs=1e-4)
    assert scorers.best_of(scores, 3) == sorted(
        scorers.best_of(scores, 3), key=lambda i: -scores[i]
    )
    assert set(scorers.best_of(scores, 3)) == {3, 4, 5}
