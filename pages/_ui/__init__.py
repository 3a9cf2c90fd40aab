"""What the pages share: the shell around them, the session's problem, its controls, cached results, and layout."""
