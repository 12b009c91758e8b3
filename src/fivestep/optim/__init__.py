"""Update rules, one file each: the step derived from the paper, its state, its torch twin."""
