"""The synthetic world: events, scenes, captions, and the simulated listeners that judge them."""
