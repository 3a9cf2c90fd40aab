"""How a computation ends early: its time is up, its flag is set, or the process gets a signal."""
