"""How the embedded world's weights are made: corpus, autoencoder, flow, CLAPs, listeners, card."""
