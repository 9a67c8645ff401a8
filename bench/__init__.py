"""What `make bench` runs: how fast letters leave, beside how fast they could, and whether memory stays flat."""
