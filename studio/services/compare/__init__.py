"""Two models side by side, and sets of sounds measured."""
