"""One sign pattern per no-broken-circuit set, by compiled kernels or by batches in numpy."""
