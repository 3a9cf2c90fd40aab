"""The path over beta on its page: runs in the background, and how they are shown."""
