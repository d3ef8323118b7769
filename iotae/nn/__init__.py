"""The autoencoder network: its shape and weights, its kernels, its training, and torch in their place."""
