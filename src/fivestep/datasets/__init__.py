"""Tasks that can be trained by name, one file each: the rows, and the settings that its reference recipe uses."""
