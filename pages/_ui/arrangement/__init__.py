"""The Arrangement page's own parts."""
