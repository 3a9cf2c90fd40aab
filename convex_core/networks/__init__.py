"""Networks: their neurons, their classes, the way to them from blocks, and from the arrays of other programs."""
