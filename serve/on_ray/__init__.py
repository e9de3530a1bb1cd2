"""The service on Ray Serve: an ingress that speaks HTTP, and generators that answer it."""
