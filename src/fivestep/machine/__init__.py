"""What the program asks of the machine that it runs on: files, memory, threads, signals, the clock."""
