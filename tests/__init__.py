"""Tests, mirroring the tree. A package by name: laion-clap installs another `tests`."""
