"""Pictures of arrangements: circle, sphere, disc, graph, one cell, and how the counts grow."""
