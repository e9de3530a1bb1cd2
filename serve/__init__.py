"""The scenario service: the library over HTTP, alone or as a Ray Serve application."""
