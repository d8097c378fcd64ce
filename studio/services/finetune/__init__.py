"""Fine-tuning of a person: from labels, rewards or a folder of their own to a model to choose."""
