"""What every test runs under: no network, one thread per process, words for small models."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a missing file is an error at once, not a retry
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # waiting threads must not spin
