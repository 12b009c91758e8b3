"""Learning-rate schedules, one file each: a factor for every step, its torch twin."""
