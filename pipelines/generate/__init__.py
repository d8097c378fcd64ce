"""Generate: text in, sound out; every model behind one protocol."""
