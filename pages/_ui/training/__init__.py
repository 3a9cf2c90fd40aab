"""Training beside the convex answer: runs in the background."""
