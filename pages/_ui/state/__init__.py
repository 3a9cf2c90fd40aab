"""What a session is working on: its problem, the controls that set it, and the address that carries it."""
