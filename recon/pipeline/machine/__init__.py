"""What the machine has to work with: disk, GPU memory, versions of libraries."""
