"""Networks: noise and state to innovations, paths to scores, and the model that joins them."""
