"""Compare: distances, scores and intervals; every result names its embedder and its count."""
