"""The photometric loss, on a CPU and on a GPU."""
