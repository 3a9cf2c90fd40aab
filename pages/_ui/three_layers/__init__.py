"""The Three-layer page's own parts: circular CNNs, and two ReLU layers."""
