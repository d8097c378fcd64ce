"""What metrics measure with: sounds to vectors, each embedder under the name it has in results.

`open_embedder("clap-evaluation")` works at once; the published ones take the path of their file.
"""

from pipelines.embedders.interface import Classifier, Embedder
from pipelines.embedders.registry import KNOWN, Known, open_embedder

__all__ = ["KNOWN", "Classifier", "Embedder", "Known", "open_embedder"]
