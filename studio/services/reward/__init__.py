"""Reward models of a person: from the votes of their campaigns to what scores other sounds."""
