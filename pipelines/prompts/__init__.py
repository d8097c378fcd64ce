"""Prompts: which captions a model is tried on, and where they come from."""
