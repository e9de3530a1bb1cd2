"""Jobs on a Ray cluster: configuration in, metrics and files out; they compute nothing."""
