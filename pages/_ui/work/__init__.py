"""Computations of the pages: now or in the background, ahead of time, and which answers are kept."""
