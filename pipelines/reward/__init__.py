"""Reward: what people said of sounds, learned: a head over CLAP, its training, its figures."""
