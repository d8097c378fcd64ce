"""Votes beyond this machine: shipped in segments, and brought back."""
