"""What depends on the machine: files, memory, threads, signals, the clock."""
