"""The Real images page's own parts."""
