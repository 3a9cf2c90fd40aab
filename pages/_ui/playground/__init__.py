"""The playground's Python side: scenes, answers to the browser, SGD as a stream, one step by hand, links."""
