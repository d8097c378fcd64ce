"""Whole procedures that join stages; the one folder of pipelines that may import every stage."""
