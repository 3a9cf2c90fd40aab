"""The Sweep page's own parts: the grid that its controls say, the map of its rows, and a row opened on Solve."""
