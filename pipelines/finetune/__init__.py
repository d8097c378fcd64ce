"""Finetune: losses, adapters and the training loop that move a generator towards what people prefer."""
