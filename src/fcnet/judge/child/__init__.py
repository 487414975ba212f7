"""What runs in a submission's own process: standalone files that import nothing of fcnet."""
