"""What tells how good a network is, one file each."""
