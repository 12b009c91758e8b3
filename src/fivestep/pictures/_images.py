"""What a picture of images needs."""

from ._base import Lacking, Subject, image_side


def needs_images(subject: Subject) -> Lacking | None:
    """For a picture that shows rows as images, with their classes."""
    if image_side(subject.data) is None:
        return Lacking("rows that are square images", _features(subject.data.in_features))
    return None if subject.num_classes else Lacking("images with classes", "images with other targets")


def _features(count: int) -> str:
    return f"rows of {count} feature{'' if count == 1 else 's'}"
