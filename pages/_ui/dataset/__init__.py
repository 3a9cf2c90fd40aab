"""The Dataset page's own parts."""
