"""CRPO: a model that improves by ranking its own candidates, iteration by iteration."""
