"""CRPO on the embedded model, shown to work: what is compared, measured and written down."""
