"""What each picture needs of a network and its data, one file each; the drawing is in `plots/`, by the same name."""
